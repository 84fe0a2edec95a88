//! `/healthz` and `/readyz`.

use crate::app::App;
use crate::http::peer::Peer;
use crate::http::reply::Reply;
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// Liveness: the process is running and answers requests.
pub async fn healthz(_: Arc<App>, _: Peer) -> Reply {
    Reply::ok(&json!({"status": "ok"})).no_store()
}

/// Readiness: the database is reachable and the caches are current.
pub async fn readyz(app: Arc<App>, _: Peer) -> Reply {
    match app.ensure_current().await {
        Ok(()) => Reply::ok(&json!({"status": "ready"})).no_store(),
        Err(failure) => {
            tracing::warn!(%failure, "not ready");
            Reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "reason": "database"}))
                .no_store()
        }
    }
}
