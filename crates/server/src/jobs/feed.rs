//! Polls the change feed, so that memory stays current.

use crate::app::App;
use std::sync::Arc;
use std::time::Duration;

/// How long a poll may take before it is given up and begun anew.
const PATIENCE: Duration = Duration::from_secs(2);

/// One poll.
pub async fn run(app: Arc<App>) {
    match tokio::time::timeout(PATIENCE, app.freshness.catch_up(&app.store, &app.caches)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the change feed cannot be read; memory is not believed until it can"),
        Err(_) => tracing::warn!("the change feed does not answer; memory is not believed until it does"),
    }
}
