//! `countersign doctor`: tries what clients will try, and reports what stops them.

pub(super) mod mcp;

use super::say;

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It works; what was found.
    Good(String),
    /// It works for some clients; what is missing for the others.
    Note(String),
    /// It does not work: what was found and how to fix it.
    Bad { seen: String, fix: String },
}

impl Found {
    fn bad(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Bad { seen: seen.into(), fix: fix.into() }
    }
}

/// Replaces control characters in text from an external server, which a terminal could interpret.
fn harmless(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).take(2000).collect()
}

/// Prints a result; returns `false` when no further step can work.
fn tell(found: &Found) -> Result<bool, std::io::Error> {
    match found {
        Found::Good(seen) => say(format_args!("ok    {}", harmless(seen)))?,
        Found::Note(seen) => say(format_args!("note  {}", harmless(seen)))?,
        Found::Bad { seen, fix } => {
            say(format_args!("FAIL  {}", harmless(seen)))?;
            say(format_args!("      Fix: {}", harmless(fix)))?;
        }
    }
    Ok(!matches!(found, Found::Bad { .. }))
}
