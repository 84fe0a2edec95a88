//! Audit log events as CSV (RFC 4180). A spreadsheet takes a cell that begins like a formula for one, and what is in these
//! cells others have chosen: such a cell gets an apostrophe in front, which spreadsheets do not show.

use super::event::AuditEvent;
use crate::id::AuditEventId;

/// The names of the columns.
pub const HEADER: &str =
    "id,action,occurred_at,actor_id,actor_name,actor_type,targets,location,user_agent,metadata\r\n";

/// Writes a line.
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
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !formula && !text.contains(['"', ',', '\r', '\n']) {
        into.push_str(text);
        return;
    }
    into.push('"');
    if formula {
        into.push('\'');
    }
    into.push_str(&text.replace('"', "\"\""));
    into.push('"');
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

    /// Reads one cell as RFC 4180 says.
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
        ] {
            assert_eq!(written(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_read_back_and_is_never_a_formula(text in ".{0,30}") {
            let seen = read(&written(&text));
            prop_assert!(!seen.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", seen);
            prop_assert!(seen == text || seen.strip_prefix('\'') == Some(&text));
        }
    }
}
