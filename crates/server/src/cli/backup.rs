//! `countersign backup FILE`.

use super::{CommandResult, say};
use crate::config::Config;
use crate::installation::open_store;
use std::path::Path;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, file: &str) -> CommandResult {
    if let countersign_store::Location::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Err(format!("There is no database in {}.", config.data.display()).into());
    }
    let file = Path::new(file);
    open_store(config).await?.backup(file)?;
    say(format_args!(
        "Wrote {}. The master key is not in it: keep that separately, for one is useless without the other.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
