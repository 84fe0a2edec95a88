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

/// One round.
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
    // In steps of a thousand rows, each a transaction of its own.
    macro_rules! in_steps {
        ($prune:path, $before:expr) => {
            while store
                .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok($prune(tx, $before).await?) }))
                .await?
                >= 1000
            {}
        };
    }
    in_steps!(revoked_token::prune, now);
    in_steps!(idempotency::prune, now);
    in_steps!(event::prune, now.plus_secs(-EVENTS));
    // One statement: a change feed of an hour is short.
    let before = now.plus_secs(-CHANGES);
    store.write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(change::prune(tx, before).await?) })).await?;
    Ok(())
}
