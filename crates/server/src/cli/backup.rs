//! `countersign backup FILE`.

use super::{CommandResult, say};
use crate::config::Config;
use crate::installation::{InstallationError, open_existing_store};
use std::path::Path;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, file: &str) -> CommandResult {
    let store = open_existing_store(config).await.map_err(|error| match error {
        InstallationError::NotSetUp => format!("There is no database in {}.", config.data.display()),
        other => other.to_string(),
    })?;
    let file = Path::new(file);
    store.backup(file)?;
    say(format_args!(
        "Wrote {}. It does not contain the master key. Keep the key separately: neither is of use without the other.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
