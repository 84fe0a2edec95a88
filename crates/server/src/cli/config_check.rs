//! `countersign config check`: the settings in effect and where each comes from.

use super::{CommandResult, say};
use crate::config::source::Sources;
use crate::config::{Config, MasterKeySource};
use crate::entropy::Entropy;
use crate::http::server;
use crate::keys::master_key::MasterKey;
use countersign_store::Location;
use std::process::ExitCode;

pub(super) fn run(sources: &Sources) -> CommandResult {
    for (setting, value, origin) in sources.describe() {
        let value = if value.is_empty() { "(not set)".to_owned() } else { value };
        say(format_args!("{:<24} {value}  [{origin}]", setting.key))?;
    }
    for name in &sources.unknown_variables {
        say(format_args!("warning: there is no setting for the variable {name}; it is ignored"))?;
    }
    let config = Config::load(sources)?;
    read_files(&config)?;
    say("The configuration is valid.")?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the files that a start reads. Creates none and runs no command.
fn read_files(config: &Config) -> Result<(), String> {
    config.tls.as_ref().map(server::tls_acceptor).transpose()?;
    config.database.check().map_err(|error| error.to_string())?;
    // On first start the key is created. If the database already exists, a missing key is an error.
    let nothing_yet = match &config.database {
        Location::Sqlite(path) => !path.try_exists().unwrap_or(true),
        Location::Postgres { .. } => true,
    };
    match &config.master_key {
        MasterKeySource::Command(_) => Ok(()),
        MasterKeySource::File { path, may_create: true } if nothing_yet && matches!(path.try_exists(), Ok(false)) => {
            Ok(())
        }
        source => MasterKey::obtain(source, false, &Entropy::default()).map(drop).map_err(|error| error.to_string()),
    }
}
