//! Logs: one line per event, as text or JSON, to standard error. Secrets are types that do not print; nothing here has to
//! search for them.

use crate::config::{Config, ConfigError, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Starts logging.
///
/// # Errors
/// When the level is none.
pub fn start(config: &Config) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|error| ConfigError(format!("log_level '{}': {error}.", config.log_level)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(BoxMakeWriter::new(std::io::stderr));
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| ConfigError(format!("Logging could not be started: {error}.")))
}
