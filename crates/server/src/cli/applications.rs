//! `countersign applications`: which applications with a metadata document may sign users in. Works on the database, so
//! it can also run while servers do; they pick up changes within a second.

use super::{CommandResult, environment, open_existing, say, text};
use crate::config::Config;
use crate::domain::connect::self_registration::decide;
use crate::domain::{Act, Failure};
use clap::ArgMatches;
use countersign_protocol::model::{Decision, DocumentPolicy};
use countersign_store::client_document;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, command: &str, matches: &ArgMatches) -> CommandResult {
    let installation = open_existing(config).await?;
    let environment = environment(&installation, matches.get_one::<String>("environment")).await?;
    if command == "list" {
        for known in client_document::all(&mut installation.store.reader().await?, environment.id).await? {
            let state = match (known.decision, known.decided_at) {
                (Some(decision), Some(at)) => format!("{} {at}", decision.as_str()),
                _ => format!("pending since {}", known.created_at),
            };
            say(format_args!("{}  {state}", known.url))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let url = text(matches, "url").to_owned();
    let decision = if command == "allow" { Decision::Allowed } else { Decision::Refused };
    let act = Act::new(
        &environment,
        super::actor(&format!("applications {command}")),
        &installation.clock,
        &installation.entropy,
        &installation.keyring,
    );
    let decided = url.clone();
    installation
        .store
        .write::<_, Failure, _>(move |tx| Box::pin(async move { decide(tx, &act, &decided, decision).await }))
        .await
        .map_err(|failure| match failure {
            Failure::Refused(_) => {
                format!("'{url}' cannot be the metadata document of a client: it must be an https URL with a path.")
            }
            other => other.to_string(),
        })?;
    say(match decision {
        Decision::Allowed => format!("{url} may now sign people in."),
        Decision::Refused => format!("{url} may not sign people in. Its access has ended."),
    })?;
    if environment.self_registration.documents == DocumentPolicy::Off {
        say(format_args!(
            "Metadata documents are off in '{}': see client_id_metadata in docs/apply.md.",
            environment.name
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
