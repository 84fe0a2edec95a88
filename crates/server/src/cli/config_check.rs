//! `countersign config check`: what is configured, and where it comes from.

use super::{CommandResult, say};
use crate::config::source::Sources;
use crate::config::{Config, MasterKeySource};
use crate::entropy::Entropy;
use crate::http::server;
use crate::keys::master_key::MasterKey;
use countersign_store::Location;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
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
    say("The configuration is good.")?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the files that a start reads; makes none, and runs no command.
fn read_files(config: &Config) -> Result<(), String> {
    config.tls.as_ref().map(server::tls_acceptor).transpose()?;
    if let Location::Postgres { authorities: Some(path), .. } = &config.database {
        CertificateDer::pem_file_iter(path)
            .and_then(|mut certificates| certificates.try_for_each(|certificate| certificate.map(drop)))
            .map_err(|error| format!("database_ca {}: {error}", path.display()))?;
    }
    match &config.master_key {
        MasterKeySource::Command(_) => Ok(()),
        MasterKeySource::File { path, may_create: true } if !path.exists() => Ok(()),
        source => MasterKey::obtain(source, false, &Entropy::default()).map(drop).map_err(|error| error.to_string()),
    }
}
