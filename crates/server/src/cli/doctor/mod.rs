//! `countersign doctor`: tries what others will try, and says what stops them.

pub(super) mod mcp;

use super::say;

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It works; what was seen.
    Good(String),
    /// It works, for some; what others miss.
    Note(String),
    /// It does not work: what was seen, and what to do about it.
    Bad { seen: String, fix: String },
}

impl Found {
    fn bad(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Bad { seen: seen.into(), fix: fix.into() }
    }
}

/// A text of somebody else's server, without what a terminal would obey.
fn harmless(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).take(2000).collect()
}

/// Prints what was found; `false` when nothing beyond it can work.
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
