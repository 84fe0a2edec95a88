//! Moves signing keys along in their lives, and makes successors on schedule.

use crate::app::App;
use crate::keys::rotation;
use std::sync::Arc;

/// One round.
pub async fn run(app: Arc<App>, rotation_days: u32) {
    if let Err(failure) = rotation::advance(&app, rotation_days).await {
        tracing::warn!(%failure, "signing keys could not be moved along; the next round tries again");
    }
}
