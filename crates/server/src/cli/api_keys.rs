//! `countersign api-keys`: an environment's management API keys.

use super::{CommandResult, environment, open_existing, say, text};
use crate::config::Config;
use crate::domain::environments::environment_api_keys;
use crate::domain::{Act, Failure};
use clap::ArgMatches;
use countersign_store::environment_api_key;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, command: &str, matches: &ArgMatches) -> CommandResult {
    let installation = open_existing(config).await?;
    let environment = environment(&installation, matches.get_one::<String>("environment")).await?;
    let existing = environment_api_key::list(&mut installation.store.reader().await?, environment.id).await?;
    let by = super::actor(&format!("api-keys {command}"));
    let act = Act::new(&environment, by, &installation.clock, &installation.entropy, &installation.keyring);
    match command {
        "list" => {
            for key in existing {
                let used = key.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
                say(format_args!("{}  {}  sk_...{}  created {}  {used}", key.id, key.name, key.hint, key.created_at))?;
            }
        }
        "create" => {
            let name = text(matches, "name");
            let wanted = name.to_owned();
            let made = installation
                .store
                .write::<_, Failure, _>(move |tx| {
                    Box::pin(async move { environment_api_keys::create(tx, &act, &wanted).await })
                })
                .await;
            let (_, value) = made?;
            say(value.expose())?;
        }
        _ => {
            let name = text(matches, "name");
            let Some(key) = existing.iter().find(|key| key.name == name || key.id.to_string() == name) else {
                return Err(format!("There is no API key named '{name}'.").into());
            };
            let id = key.id.to_string();
            installation
                .store
                .write::<_, Failure, _>(move |tx| {
                    Box::pin(async move { environment_api_keys::revoke(tx, &act, &id).await })
                })
                .await?;
            say(format_args!("The API key '{name}' no longer works."))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
