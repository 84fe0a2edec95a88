//! Where users sign in when the company keeps its own login, as the file declares it.

use super::End;
use super::document::{ApplicationEntry, EnvironmentEntry};
use crate::domain::environments::standalone::{StandaloneChange, change, change_of_application};
use crate::domain::{Act, Failure};
use countersign_protocol::model::{ConnectApplication, StandaloneSubject};
use countersign_store::Tx;

fn with_context(failure: Failure, whose: String) -> End {
    match failure {
        Failure::Refused(error) => End::Wrong(format!("{whose}: {error}")),
        failure => failure.into(),
    }
}

pub(super) async fn apply(tx: &mut Tx, act: &Act, entry: &EnvironmentEntry, plan: &mut Vec<String>) -> Result<(), End> {
    let whose = || format!("environment '{}': standalone", entry.name);
    let read = |word: &String| {
        let wrong = || End::Wrong(format!("{}: subject must be 'external_id' or 'user_id'.", whose()));
        StandaloneSubject::parse(word).ok_or_else(wrong)
    };
    let subject = entry.standalone.subject.as_ref().map(read).transpose()?;
    let wanted = StandaloneChange { login_uri: entry.standalone.login_uri.clone(), subject };
    let (before, after) = change(tx, act, wanted).await.map_err(|failure| with_context(failure, whose()))?;
    let differences: Vec<&str> =
        [("login_uri", before.login_uri != after.login_uri), ("subject", before.subject != after.subject)]
            .into_iter()
            .filter_map(|(field, differs)| differs.then_some(field))
            .collect();
    if !differences.is_empty() {
        plan.push(format!("~ standalone of {}: {}", entry.name, differences.join(", ")));
    }
    Ok(())
}

pub(super) async fn apply_of_application(
    tx: &mut Tx,
    act: &Act,
    made: &ConnectApplication,
    entry: &ApplicationEntry,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let Some(login_uri) = &entry.login_uri else { return Ok(()) };
    let changed = change_of_application(tx, act, made, login_uri).await;
    if changed.map_err(|failure| with_context(failure, format!("application '{}'", made.name)))? {
        plan.push(format!("~ login_uri of application {}", made.name));
    }
    Ok(())
}
