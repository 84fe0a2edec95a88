//! Advances signing keys through their lifecycle and creates successors on schedule.

use super::clock_skew;
use crate::app::App;
use crate::keys::rotation;
use std::sync::Arc;

/// Runs one round.
pub async fn run(app: Arc<App>, rotation_days: u32) {
    // A key retired too early invalidates what it has signed. The retention job logs clocks that disagree.
    match clock_skew::apart(&app).await {
        Ok(None) => {}
        Ok(Some(seconds)) => return tracing::debug!(seconds, "clocks do not agree: signing keys stay as they are"),
        Err(error) => {
            return tracing::warn!(%error, "signing keys could not be moved along; the next round tries again");
        }
    }
    if let Err(failure) = rotation::advance(&app, rotation_days).await {
        tracing::warn!(%failure, "signing keys could not be moved along; the next round tries again");
    }
}
