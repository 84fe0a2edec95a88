//! The only place that reads the clock. Tests can move it.

use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The maximum difference, in seconds, between a node's clock and the database's for the node's clock to be trusted.
/// The clocks of two nodes can then differ by twice as much.
pub const MAX_APART: i64 = 60;

/// A clock: the system clock plus an offset that only tests set.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        let milliseconds = self.of_system().as_millis();
        Timestamp::from_millis(milliseconds.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Returns the current time, with `other` in place of the system clock.
    pub fn now_by(&self, other: Timestamp) -> Timestamp {
        Timestamp::from_millis(other.as_millis().saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Returns the system clock's time without the tests' offset, for comparison with other clocks.
    pub fn of_system(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    /// Moves the clock and all its clones forward.
    pub fn advance_seconds(&self, seconds: i64) {
        self.offset.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }
}
