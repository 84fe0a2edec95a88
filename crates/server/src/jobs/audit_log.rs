//! Appends audit log events to their hash chain, soon after they are committed.

use crate::app::App;
use crate::domain::audit_log::chain::place;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often to log that a chain cannot be extended.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// When a failure was last logged.
pub type Told = Arc<Mutex<Option<Instant>>>;

/// Runs one round.
pub async fn run(app: Arc<App>, told: Told) {
    let environments: Vec<_> = app.environments().all().map(|environment| environment.id()).collect();
    for environment_id in environments {
        // A broken chain does not hold up the others.
        if let Err(failure) = place(&app.store, &app.keyring.audit_log, environment_id).await {
            app.metrics.audit_log_failures.inc();
            let mut last = told.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|last| last.elapsed() > TOLD_EVERY) {
                *last = Some(Instant::now());
                tracing::error!(%failure, %environment_id, "events have no places in the audit log yet");
            }
        }
    }
}
