//! `countersign init`: set up without serving, for scripts and containers.

use super::{CommandResult, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::installation::{FirstEnvironment, Installation};
use countersign_protocol::secret::Secret;
use serde_json::json;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, as_json: bool) -> CommandResult {
    let issuer = config.public_url_or_local(config.listen.port())?;
    let installation = Installation::open(config, Clock::default()).await?;
    let first = installation.ensure_environment(&issuer).await?;
    let dashboard = installation.ensure_staff(&issuer).await?;
    if as_json {
        say(json!({
            "base_url": issuer.as_str(),
            "issuer": first.environment.issuer.as_str(),
            "environment_id": first.environment.id,
            "client_id": first.environment.client_id,
            "dashboard": dashboard,
            "api_key": first.api_key.as_ref().map(Secret::expose),
        }))?;
    } else {
        say(welcome(issuer.as_str(), &first))?;
        if let Some(link) = dashboard {
            say(invitation(&link))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said while nobody is staff.
pub(super) fn invitation(link: &str) -> String {
    format!(
        "  Dashboard       {link}\n
  That link lets its first owner in, once, within a day. 'countersign staff link' makes another.\n"
    )
}

/// What a first start says, once.
pub(super) fn welcome(base_url: &str, first: &FirstEnvironment) -> String {
    let environment = &first.environment;
    let Some(api_key) = &first.api_key else {
        return format!(
            "Already set up: base URL {base_url}, issuer {}, client id {}.\nThe API key was shown at first start; 'countersign api-keys create NAME' makes another.",
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

  Try it, while it serves: create an organization.

    curl -s {base_url}/organizations -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"name\":\"Acme\"}}'

  Next: docs/quickstart-m2m.md, from here to a verified token in five minutes.\n",
        environment.issuer,
        environment.name,
        environment.kind.as_str(),
        environment.id,
        environment.client_id,
    )
}
