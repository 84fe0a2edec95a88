//! `countersign migrate`.

use super::{CommandResult, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::installation::{InstallationError, open_existing_store, open_store};
use std::process::ExitCode;

pub(super) async fn run(config: &Config, check: bool) -> CommandResult {
    let store = if check { open_existing_store(config).await? } else { open_store(config).await? };
    let before = store.migration_state().await?;
    if check && before.version == 0 {
        return Err(InstallationError::NotSetUp.into());
    }
    if before.pending.is_empty() {
        say(format_args!("The schema is up to date (version {}).", before.version))?;
        return Ok(ExitCode::SUCCESS);
    }
    for name in &before.pending {
        say(format_args!("{} {name}", if check { "pending" } else { "applying" }))?;
    }
    if check {
        return Ok(ExitCode::from(2));
    }
    let after = store.migrate(Clock::default().now()).await?;
    say(format_args!("The schema is up to date (version {}).", after.version))?;
    Ok(ExitCode::SUCCESS)
}
