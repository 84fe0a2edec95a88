//! `countersign api-keys`: an environment's keys for the management API.

use super::{CommandResult, environment, open_existing, say, text};
use crate::config::Config;
use crate::domain::{Act, Failure, audit};
use clap::ArgMatches;
use countersign_protocol::secret::SecretKind;
use countersign_store::change::{self, Topic};
use countersign_store::environment_api_key;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, command: &str, matches: &ArgMatches) -> CommandResult {
    let installation = open_existing(config).await?;
    let environment = environment(&installation, matches.get_one::<String>("environment")).await?;
    let existing = environment_api_key::list(&mut installation.store.reader().await?, environment.id).await?;
    let (environment_id, now) = (environment.id, installation.clock.now());
    let by = super::actor(&format!("api-keys {command}"));
    let act = Act::new(&environment, by, &installation.clock, &installation.entropy, &installation.keyring);
    match command {
        "list" => {
            for key in existing {
                let used = key.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
                say(format_args!("{}  {}  sk_...{}  made {}  {used}", key.id, key.name, key.hint, key.created_at))?;
            }
        }
        "create" => {
            let name = text(matches, "name");
            if existing.iter().any(|key| key.name == name) {
                return Err(format!(
                    "There is an API key named '{name}' already. Choose another name, or revoke it first."
                )
                .into());
            }
            let value = installation.entropy.secret(SecretKind::EnvironmentApiKey)?;
            let key = installation.new_api_key(&environment, name, &value)?;
            let digest = installation.keyring.environment_api_key.digest(value.expose());
            installation
                .store
                .write::<_, Failure, _>(move |tx| {
                    Box::pin(async move {
                        environment_api_key::insert(tx, &key, &digest).await?;
                        audit::note(tx, &act, "environment_api_key.created", "environment_api_key", key.id).await?;
                        {
                            change::record(tx, environment_id, &Topic::EnvironmentApiKeys, now);
                            Ok(())
                        }
                    })
                })
                .await?;
            say(value.expose())?;
        }
        _ => {
            let name = text(matches, "name");
            let Some(key) = existing.iter().find(|key| key.name == name || key.id.to_string() == name) else {
                return Err(format!("There is no API key named '{name}'.").into());
            };
            let id = key.id;
            installation
                .store
                .write::<_, Failure, _>(move |tx| {
                    Box::pin(async move {
                        environment_api_key::delete(tx, environment_id, id).await?;
                        audit::note(tx, &act, "environment_api_key.deleted", "environment_api_key", id).await?;
                        {
                            change::record(tx, environment_id, &Topic::EnvironmentApiKeys, now);
                            Ok(())
                        }
                    })
                })
                .await?;
            say(format_args!("The API key '{name}' no longer works."))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
