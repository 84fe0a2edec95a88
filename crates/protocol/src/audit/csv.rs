//! Audit log events as CSV (RFC 4180). Spreadsheets interpret a cell that starts like a formula as one, and the
//! contents of these cells are chosen by others, so such a cell is prefixed with an apostrophe, which spreadsheets do
//! not show. Some treat a semicolon or tab as a cell separator, even within quotes; a formula start after one gets an
//! apostrophe, too.

use super::event::AuditEvent;
use crate::id::AuditEventId;

/// The header line.
pub const HEADER: &str =
    "id,action,occurred_at,actor_id,actor_name,actor_type,targets,location,user_agent,metadata\r\n";

/// Appends the line for an event.
pub fn write(into: &mut String, id: AuditEventId, event: &AuditEvent) {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let cells = [
        id.bare(),
        event.action.clone(),
        event.occurred_at.to_string(),
        event.actor.id.clone(),
        event.actor.name.clone().unwrap_or_default(),
        event.actor.kind.clone(),
        json(serde_json::to_string(&event.targets)),
        event.context.location.clone(),
        event.context.user_agent.clone().unwrap_or_default(),
        event.metadata.as_ref().map(|metadata| json(serde_json::to_string(metadata))).unwrap_or_default(),
    ];
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            into.push(',');
        }
        cell(into, text);
    }
    into.push_str("\r\n");
}

fn cell(into: &mut String, text: &str) {
    let guarded = guarded(text);
    if guarded.len() == text.len() && !text.contains(['"', ',', '\r', '\n']) {
        into.push_str(text);
        return;
    }
    into.push('"');
    into.push_str(&guarded.replace('"', "\"\""));
    into.push('"');
}

/// Inserts an apostrophe wherever the text, or a part that a spreadsheet may treat as a separate cell, starts like a
/// formula.
fn guarded(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len());
    if text.starts_with(['\t', '\r', '\n']) {
        guarded.push('\'');
    }
    let mut begins = true;
    for (at, c) in text.char_indices() {
        if begins && matches!(c, '=' | '+' | '-' | '@') {
            guarded.push('\'');
        }
        guarded.push(c);
        begins = matches!(c, ';' | '\t' | '\r' | '\n') || (begins && at > 0 && c == '"');
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut into = String::new();
        cell(&mut into, text);
        into
    }

    /// Reads one cell according to RFC 4180.
    fn read(text: &str) -> String {
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(inside) => {
                assert!(!inside.replace("\"\"", "").contains('"'), "{text}");
                inside.replace("\"\"", "\"")
            }
            None => {
                assert!(!text.contains(['"', ',', '\r', '\n']), "{text}");
                text.to_owned()
            }
        }
    }

    #[test]
    fn cells() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+49", "\"'+49\""),
            ("a;b", "a;b"),
            ("a;=1+1", "\"a;'=1+1\""),
            ("a;@x;-y", "\"a;'@x;'-y\""),
            ("a\t+1", "\"a\t'+1\""),
            ("two\n=lines", "\"two\n'=lines\""),
            ("a;\"=1", "\"a;\"\"'=1\""),
            ("\t=1", "\"'\t'=1\""),
            ("1+1=2; 3", "1+1=2; 3"),
        ] {
            assert_eq!(written(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_read_back_and_is_never_a_formula(text in "([=+@;\t\r\n\"',-]|.){0,30}") {
            let seen = read(&written(&text));
            prop_assert!(!seen.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{}", seen);
            for part in seen.split([';', '\t', '\r', '\n']) {
                prop_assert!(!part.starts_with(['=', '+', '-', '@']), "{}", seen);
            }
            // Removing the apostrophes restores the original text.
            prop_assert_eq!(seen.replace('\'', ""), text.replace('\'', ""));
            if !text.contains([';', '\t', '\r', '\n']) {
                prop_assert!(seen == text || seen.strip_prefix('\'') == Some(&text));
            }
        }
    }
}
