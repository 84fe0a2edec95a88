//! The audit log: what administrators did here, the logs of organizations, and the chain that both are links of.
//!
//! | Module | Owns |
//! |---|---|
//! | [`trail`] | what administrators did |
//! | [`organizations`] | which organizations there are |
//! | [`detail`] | the log of one of them |
//! | [`exports`] | copies of it |
//! | [`streams`] | where it is sent as it comes |
//! | [`chain`] | how the chain stands |

pub mod chain;
pub mod detail;
pub mod exports;
pub mod organizations;
pub mod streams;
pub mod trail;

use countersign_protocol::audit::export::{AuditStream, StreamState};
use countersign_protocol::audit::retention::KEPT_DAYS;

/// For how long events are kept, in words.
fn kept_in_words(days: Option<i64>) -> String {
    match days.unwrap_or(KEPT_DAYS) {
        KEPT_DAYS => "1 year".to_owned(),
        days if days % KEPT_DAYS == 0 => format!("{} years", days / KEPT_DAYS),
        days => format!("{days} days"),
    }
}

/// How a stream looks, how it is, and what that means.
fn stream_in_words(stream: Option<&AuditStream>) -> (&'static str, &'static str, &'static str) {
    match stream.map(|stream| stream.state) {
        None => ("", "None", ""),
        Some(StreamState::Active) => ("good", "Active", ""),
        Some(StreamState::Inactive) => ("", "Stopped", ""),
        Some(StreamState::Failing) => (
            "bad",
            "Not taken",
            "The address did not take the last events. They are sent again, at most 15 minutes apart.",
        ),
        Some(StreamState::Invalid) => (
            "bad",
            "Not let in",
            "The address answered 401 or 403: set the headers right. It is tried every five minutes.",
        ),
    }
}
