//! `countersign keys`: signing keys. Works on the database, so it can also run while servers do; they pick up changes
//! within a second.

use super::{CommandResult, environment, open_existing, say, text};
use crate::app::App;
use crate::config::Config;
use crate::keys::rotation;
use clap::ArgMatches;
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{KeyPurpose, KeyState};
use countersign_store::signing_key;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, command: &str, matches: &ArgMatches) -> CommandResult {
    let installation = open_existing(config).await?;
    let environment = environment(&installation, matches.get_one::<String>("environment")).await?;
    if command == "list" {
        for key in signing_key::list(&mut installation.store.reader().await?, environment.id).await? {
            let state = match key.state {
                KeyState::Pending { activates_at } => format!("pending, signs from {activates_at}"),
                KeyState::Active => "active".to_owned(),
                KeyState::Retiring { gone_at } => format!("retiring, published until {gone_at}"),
            };
            let purpose = key.purpose.as_str();
            say(format_args!("{}  {purpose:9}  {}  created {}  {state}", key.id, key.algorithm, key.created_at))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let public_url = environment.issuer.clone();
    let clock = installation.clock.clone();
    let app = App::new(config, installation.store, installation.keyring, clock, public_url).await?;
    let by = super::actor(&format!("keys {command}"));
    if command == "rotate" {
        let algorithm = match matches.get_one::<String>("algorithm") {
            None => environment.signing_algorithm,
            Some(name) => Algorithm::parse(name).ok_or_else(|| format!("'{name}' is not RS256, ES256 or EdDSA."))?,
        };
        let now = app.clock.now();
        let purposes = match matches.get_one::<String>("purpose") {
            None => KeyPurpose::ALL.to_vec(),
            Some(word) => {
                vec![KeyPurpose::parse(word).ok_or_else(|| format!("'{word}' is not direct or delegated."))?]
            }
        };
        let at_once = matches.get_flag("now");
        let activates_at = if at_once { now } else { now.plus_secs(rotation::PUBLISHED_BEFORE_SIGNING) };
        for purpose in purposes {
            let id = rotation::rotate(&app, by.clone(), &environment, purpose, algorithm, activates_at).await?;
            let which = purpose.as_str();
            say(if at_once {
                format!("{id} ({which}) signs now; the old key stays published until its last token expires.")
            } else {
                format!(
                    "{id} ({which}) is published and signs from {activates_at}; a running server switches automatically."
                )
            })?;
        }
    } else {
        let kid = text(matches, "kid");
        let id = SigningKeyId::parse(kid)
            .map_err(|_| format!("'{kid}' is not a key ID; 'countersign keys list' shows them."))?;
        let successor = rotation::burn(&app, by, &environment, id).await.map_err(|failure| match failure {
            crate::domain::Failure::Refused(_) => format!("The environment '{}' has no key {kid}.", environment.name),
            other => other.to_string(),
        })?;
        say(format_args!("{kid} was revoked: every token it signed is invalid. {successor} signs now."))?;
    }
    Ok(ExitCode::SUCCESS)
}
