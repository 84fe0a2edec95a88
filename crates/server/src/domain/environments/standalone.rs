//! Standalone Connect: where users sign in if the company keeps its own login.

use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::id::{ClientId, EnvironmentId, UserId};
use countersign_protocol::model::{
    ApplicationKind, ConnectApplication, Environment, LoginUri, Standalone, StandaloneSubject,
};
use countersign_store::change::{self, Topic};
use countersign_store::{Query, Tx, standalone, user};

/// A change to the environment's settings; `None` leaves a setting unchanged.
#[derive(Debug, Clone, Default)]
pub struct StandaloneChange {
    /// The new login URI; an empty one clears it.
    pub login_uri: Option<String>,
    /// The new subject.
    pub subject: Option<StandaloneSubject>,
}

fn read(act: &Act, text: &str) -> Result<Option<LoginUri>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |error| Failure::invalid("login_uri", "invalid", format!("login_uri {error}."));
    LoginUri::parse(text, act.environment_kind).map(Some).map_err(wrong)
}

/// Changes the environment's settings; takes effect on every node within a second. Returns the values before and after.
///
/// # Errors
/// 422.
pub async fn change(tx: &mut Tx, act: &Act, change: StandaloneChange) -> Result<(Standalone, Standalone), Failure> {
    let before = standalone::find(tx, act.environment_id).await?;
    let mut after = before.clone();
    if let Some(text) = &change.login_uri {
        after.login_uri = read(act, text)?;
    }
    if let Some(subject) = change.subject {
        after.subject = subject;
    }
    if after != before {
        standalone::set(tx, act.environment_id, &after, act.now).await?;
        audit_log::note(tx, act, "standalone.updated", "environment", act.environment_id).await?;
        change::record(tx, act.environment_id, &Topic::Environment, act.now);
    }
    Ok((before, after))
}

/// Changes the login URI of an application; an empty one falls back to the environment's. Returns `false` if nothing
/// changed.
///
/// # Errors
/// 422.
pub async fn change_of_application(
    tx: &mut Tx,
    act: &Act,
    application: &ConnectApplication,
    login_uri: &str,
) -> Result<bool, Failure> {
    let wanted = read(act, login_uri)?;
    if wanted.is_some() && matches!(application.kind, ApplicationKind::Machine { .. }) {
        let why = "Nobody signs in to a machine-to-machine application, so it has no login_uri.";
        return Err(Failure::invalid("login_uri", "not_allowed", why));
    }
    if standalone::find_of_application(tx, act.environment_id, application.id).await? == wanted {
        return Ok(false);
    }
    standalone::set_of_application(tx, act.environment_id, application.id, wanted.as_ref()).await?;
    change::record(tx, act.environment_id, &Topic::Client(application.client_id), act.now);
    crate::domain::connect::applications::tell(tx, act, "connect_application.updated", application).await?;
    Ok(true)
}

/// Checks that an environment's login URI is allowed for its new kind.
///
/// # Errors
/// 422.
pub async fn check_kind(tx: &mut Tx, environment: &Environment) -> Result<(), Failure> {
    match standalone::find(tx, environment.id).await?.login_uri {
        None => Ok(()),
        Some(uri) => LoginUri::parse(uri.as_str(), environment.kind)
            .map(drop)
            .map_err(|error| Failure::invalid("login_uri", "invalid", format!("login_uri {error}."))),
    }
}

/// Whether an external ID, used as the `sub` of tokens, would be mistaken for another subject: it is the identifier of
/// another user here, or has the form of a client id, since clients are subjects as well.
///
/// # Errors
/// Database errors.
pub async fn names_another(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    external_id: &str,
    own: Option<UserId>,
) -> Result<bool, countersign_store::Error> {
    if ClientId::parse(external_id).is_ok() {
        return Ok(true);
    }
    match UserId::parse(external_id) {
        Ok(id) if Some(id) != own => Ok(user::find(query, environment_id, id).await?.is_some()),
        _ => Ok(false),
    }
}
