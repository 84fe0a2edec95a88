//! Polls the change feed to keep the caches current.

use crate::app::App;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a poll may take before it is abandoned and retried.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often to log that the database is still unreachable.
const TELLING: Duration = Duration::from_secs(60);

/// When the change feed became unreadable, and when that was last logged.
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<Told>>);

#[derive(Debug, Clone, Copy)]
struct Told {
    since: Instant,
    last: Instant,
}

impl Outage {
    /// Records a poll's result. Returns how long the feed has been unreadable, if that is to be logged now.
    fn note(&self, failed: bool, now: Instant) -> Option<Duration> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *told, failed) {
            (None, false) => None,
            (None, true) => {
                *told = Some(Told { since: now, last: now });
                Some(Duration::ZERO)
            }
            (Some(Told { since, last }), true) => (now >= *last + TELLING).then(|| {
                *last = now;
                now - *since
            }),
            (Some(Told { since, .. }), false) => {
                let lasted = now - *since;
                *told = None;
                Some(lasted)
            }
        }
    }
}

/// Runs one poll.
pub async fn run(app: Arc<App>, outage: Arc<Outage>) {
    let polled = tokio::time::timeout(TIMEOUT, app.freshness.catch_up(&app.store, &app.caches)).await;
    let error = match polled {
        Ok(polled) => polled.err().map(|error| error.to_string()),
        Err(_) => Some("it does not answer".to_owned()),
    };
    let Some(lasted) = outage.note(error.is_some(), Instant::now()) else { return };
    let seconds = lasted.as_secs();
    match error {
        Some(error) => tracing::warn!(
            error,
            seconds,
            "the change feed cannot be read: memory is not believed, and jobs wait, until it can"
        ),
        None => tracing::info!(seconds, "the change feed can be read again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_once_a_minute_and_when_it_is_over() {
        let (outage, began) = (Outage::default(), Instant::now());
        let note = |failed, second| outage.note(failed, began + Duration::from_secs(second)).map(|told| told.as_secs());
        assert_eq!(note(false, 0), None);
        assert_eq!(note(true, 1), Some(0));
        assert_eq!(note(true, 60), None);
        assert_eq!(note(true, 61), Some(60));
        assert_eq!(note(true, 62), None);
        assert_eq!(note(false, 65), Some(64));
        assert_eq!(note(false, 66), None);
        assert_eq!(note(true, 67), Some(0));
    }
}
