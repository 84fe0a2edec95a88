//! Logs: one line per event, as text or JSON, to standard error. Secrets are types that do not print, so nothing is
//! redacted here.

use crate::config::{Config, ConfigError, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Modules that may be named without a level. Only for our own crates can a module be told apart from a mistyped level.
const CRATES: [&str; 4] = ["countersign", "countersign_pages", "countersign_protocol", "countersign_store"];

/// Parses the log level. A word that is not a level would be taken for a module name, which would silence all other
/// modules.
///
/// # Errors
/// The word that is not a log level, and the level that was probably meant.
pub fn read_level(text: &str) -> Result<String, String> {
    let directives: Vec<&str> = text.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
    for directive in &directives {
        let place = directive.split("::").next().unwrap_or_default();
        let level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(directive));
        if !level && !directive.contains('=') && !CRATES.contains(&place) {
            return Err(no_level(directive));
        }
    }
    if directives.is_empty() {
        return Err(no_level(text));
    }
    let read = directives.join(",");
    EnvFilter::try_new(&read).map_err(|error| format!("'{text}': {error}"))?;
    Ok(read)
}

fn no_level(word: &str) -> String {
    let known = LEVELS.iter().chain(&CRATES).map(|known| (strsim::jaro_winkler(&word.to_lowercase(), known), *known));
    let nearest = known.filter(|(likeness, _)| *likeness > 0.75).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let meant = nearest.map_or_else(String::new, |(_, known)| format!(" (did you mean '{known}'?)"));
    format!(
        "'{word}' is not a log level{meant}; use off, error, warn, info, debug or trace, and module=level for one module"
    )
}

/// Starts logging at this level.
///
/// # Errors
/// When the level is not valid.
pub fn start(config: &Config, level: &str) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(level).map_err(|error| ConfigError(format!("log_level '{level}': {error}.")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(BoxMakeWriter::new(std::io::stderr));
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| ConfigError(format!("Logging could not be started: {error}.")))
}
