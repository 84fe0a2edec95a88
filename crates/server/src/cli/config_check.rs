//! `countersign config check`: what is configured, and where it comes from.

use super::{CommandResult, say};
use crate::config::Config;
use crate::config::source::Sources;
use std::process::ExitCode;

pub(super) fn run(sources: &Sources) -> CommandResult {
    for (setting, value, origin) in sources.describe() {
        let value = if value.is_empty() { "(not set)".to_owned() } else { value };
        say(format_args!("{:<24} {value}  [{origin}]", setting.key))?;
    }
    for name in &sources.unknown_variables {
        say(format_args!("warning: there is no setting for the variable {name}; it is ignored"))?;
    }
    Config::load(sources)?;
    say("The configuration is good.")?;
    Ok(ExitCode::SUCCESS)
}
