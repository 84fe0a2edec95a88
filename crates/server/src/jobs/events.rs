//! Assigns positions to events, soon after they are committed. See the store's `event` module.

use crate::app::App;
use crate::domain::events::place;
use std::sync::Arc;

/// Runs one round.
pub async fn run(app: Arc<App>) {
    if let Err(failure) = place(&app.store, &app.clock).await {
        tracing::warn!(%failure, "events have no positions yet; the next round tries again");
    }
}
