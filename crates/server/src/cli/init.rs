//! `countersign init`: sets up an installation without serving, for scripts and containers.

use super::{CommandResult, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::installation::{FirstEnvironment, FirstStaff, Installation, Invite};
use countersign_protocol::secret::Secret;
use serde_json::json;
use std::io::IsTerminal;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, as_json: bool) -> CommandResult {
    let issuer = config.public_url_or_local(config.listen.port())?;
    let installation = Installation::open(config, Clock::default()).await?;
    if let Some(file) = installation.made_master_key.as_ref().filter(|_| !as_json) {
        say(format_args!(
            "\n  Master key      {}\n\n  Keep a copy of that file, apart from the database: the database cannot be decrypted without it.",
            file.display()
        ))?;
    }
    let first = installation.ensure_environment(&issuer).await?;
    // Print the key right away: it is stored only as a digest, and a later failure must not lose it.
    if !as_json {
        say(welcome(issuer.as_str(), &first))?;
    }
    let staff = installation.ensure_staff(&issuer, invite()).await;
    if as_json {
        say(json!({
            "base_url": issuer.as_str(),
            "issuer": first.environment.issuer.as_str(),
            "environment_id": first.environment.id,
            "client_id": first.environment.client_id,
            "dashboard": staff.as_ref().ok().and_then(|staff| staff.link.as_deref()),
            "api_key": first.api_key.as_ref().map(Secret::expose),
            "master_key_file": installation.made_master_key.as_ref().map(|file| file.display().to_string()),
        }))?;
    }
    let staff = staff?;
    if let Some(said) = invitation(&staff).filter(|_| !as_json) {
        say(said)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Without a terminal, the output is kept and may have many readers: print one link on the first start, not one per
/// start.
pub(super) fn invite() -> Invite {
    if std::io::stdout().is_terminal() { Invite::Always } else { Invite::Once }
}

/// The message shown while there are no staff members.
pub(super) fn invitation(staff: &FirstStaff) -> Option<String> {
    match &staff.link {
        Some(link) => Some(format!(
            "  Dashboard       {link}\n
  This link creates the first owner's account. It works once, within a day. 'countersign staff link' prints another.\n"
        )),
        None if staff.nobody => {
            Some("There is no staff yet. 'countersign staff link' prints a link into the dashboard.".to_owned())
        }
        None => None,
    }
}

/// The message shown after a first start.
pub(super) fn welcome(base_url: &str, first: &FirstEnvironment) -> String {
    let environment = &first.environment;
    let Some(api_key) = &first.api_key else {
        return format!(
            "Already set up: base URL {base_url}, issuer {}, client id {}.\nThe API key was shown at first start; 'countersign api-keys create NAME' creates another.",
            environment.issuer, environment.client_id
        );
    };
    let key = api_key.expose();
    format!(
        "\n  Countersign is set up. This key is shown once; keep it.\n
  Base URL        {base_url}
  Issuer          {}
  Environment     {} ({}, {})
  Client id       {}
  API key         {key}

  Try it while the server is running: create an organization.

    curl -s {base_url}/organizations -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"name\":\"Acme\"}}'

  Next: docs/quickstart-m2m.md takes you to a verified token in five minutes.\n",
        environment.issuer,
        environment.name,
        environment.kind.as_str(),
        environment.id,
        environment.client_id,
    )
}
