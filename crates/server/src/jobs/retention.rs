//! Forgets what has had its time. The periods, per table:
//!
//! | Table | Kept |
//! |---|---|
//! | `revoked_token` | until the token would have expired |
//! | `idempotency_key` | 24 hours; 10 minutes when the reply shows a secret |
//! | `change` | 1 hour: a node that was away for longer drops all it has in memory |
//! | `event` | 90 days |
//!
//! Every other table is kept until its rows are deleted.

use crate::app::App;
use crate::domain::Failure;
use countersign_store::{change, event, idempotency, revoked_token};
use std::sync::Arc;

const CHANGES: i64 = 3600;
const EVENTS: i64 = 90 * 86_400;

/// One round: a transaction per table, so that none is long.
pub async fn run(app: Arc<App>) {
    app.limits.tidy();
    app.caches.expire_revoked_tokens();
    if let Err(failure) = prune(&app).await {
        tracing::warn!(%failure, "could not forget old rows; the next round tries again");
    }
}

async fn prune(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    let store = &app.store;
    store.write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(revoked_token::prune(tx, now).await?) })).await?;
    store.write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(idempotency::prune(tx, now).await?) })).await?;
    store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move { Ok(change::prune(tx, now.plus_secs(-CHANGES)).await?) })
        })
        .await?;
    store
        .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(event::prune(tx, now.plus_secs(-EVENTS)).await?) }))
        .await?;
    Ok(())
}
