//! The audit log: what staff and other administrators did, the logs of organizations, and the hash chain that links
//! both.
//!
//! | Module | Owns |
//! |---|---|
//! | [`trail`] | what administrators did |
//! | [`organizations`] | the list of organizations |
//! | [`detail`] | an organization's log |
//! | [`exports`] | exports of it |
//! | [`streams`] | its log stream |
//! | [`chain`] | the state of the hash chain |

pub mod chain;
pub mod detail;
pub mod exports;
pub mod organizations;
pub mod streams;
pub mod trail;

use countersign_protocol::audit::export::{AuditStream, StreamState};
use countersign_protocol::audit::retention::KEPT_DAYS;

/// The retention period, in words.
fn kept_in_words(days: Option<i64>) -> String {
    match days.unwrap_or(KEPT_DAYS) {
        KEPT_DAYS => "1 year".to_owned(),
        days if days % KEPT_DAYS == 0 => format!("{} years", days / KEPT_DAYS),
        days => format!("{days} days"),
    }
}

/// A stream's tone, state, and explanation.
fn stream_in_words(stream: Option<&AuditStream>) -> (&'static str, &'static str, &'static str) {
    match stream.map(|stream| stream.state) {
        None => ("", "None", ""),
        Some(StreamState::Active) => ("good", "Active", ""),
        Some(StreamState::Inactive) => ("", "Stopped", ""),
        Some(StreamState::Failing) => (
            "bad",
            "Not delivered",
            "The address did not accept the last events. They are sent again, at most 15 minutes apart.",
        ),
        Some(StreamState::Invalid) => (
            "bad",
            "Access denied",
            "The address answered 401 or 403. Correct the headers; delivery is tried every five minutes.",
        ),
    }
}
