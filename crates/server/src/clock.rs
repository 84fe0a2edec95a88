//! The one place that reads the clock. Tests move it.

use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How far the clock of a node may be from the database's, in seconds, where it is believed; those of two nodes are twice as far
/// apart then.
pub const MOST_APART: i64 = 60;

/// A clock: the system's, plus an offset that only tests set.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Timestamp {
        let milliseconds = self.of_system().as_millis();
        Timestamp::from_millis(milliseconds.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Now, where the system's clock should say what another clock says just now.
    pub fn now_by(&self, other: Timestamp) -> Timestamp {
        Timestamp::from_millis(other.as_millis().saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// What the system's clock says, wherever tests have moved this one: to compare it with others.
    pub fn of_system(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    /// Moves the clock forward, for everyone who holds it.
    pub fn advance_seconds(&self, seconds: i64) {
        self.offset.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }
}
