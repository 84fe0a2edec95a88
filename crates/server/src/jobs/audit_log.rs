//! Gives the events of audit logs their places in the chain, soon after they are committed.

use crate::app::App;
use crate::domain::audit_log::chain::place;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a chain that cannot be made longer is told of.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// When it was told last that something is wrong.
pub type Told = Arc<Mutex<Option<Instant>>>;

/// One round.
pub async fn run(app: Arc<App>, told: Told) {
    let environments: Vec<_> = app.environments().all().map(|environment| environment.id()).collect();
    for environment_id in environments {
        // One that is broken keeps no other waiting.
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
