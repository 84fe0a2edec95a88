//! Webhook maintenance other than sending: continues replays, deletes the deliveries of deleted endpoints, gives up
//! deliveries that have waited too long, and counts pending ones; all a little at a time.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::webhooks::{expire_some, go_on_dropping, go_on_ending, go_on_replaying, release};
use countersign_protocol::webhook::schedule::{MAX_WAIT_LENGTH, TRIES};
use countersign_store::webhook_delivery::{self, STEP};
use countersign_store::webhook_endpoint;
use std::sync::Arc;

/// The maximum that pending deliveries are counted up to.
const COUNTED: i64 = 10_000;

/// Runs one round.
pub async fn run(app: Arc<App>) {
    if let Err(failure) = keep_up(&app).await {
        tracing::warn!(%failure, "webhooks are not looked after; the next round tries again");
    }
}

/// Runs one round of the work that is not urgent: expiring deliveries that have waited too long.
pub async fn sweep(app: Arc<App>) {
    if let Err(failure) = end_waiting(&app).await {
        tracing::warn!(%failure, "stale webhook deliveries could not be expired; the next round tries again");
    }
}

async fn keep_up(app: &App) -> Result<(), Failure> {
    let mut reader = app.store.reader().await?;
    let (replaying, ended) =
        (webhook_endpoint::replaying(&mut reader).await?, webhook_endpoint::ended(&mut reader).await?);
    let dropping = webhook_endpoint::dropping(&mut reader).await?;
    let pending = webhook_delivery::pending(&mut reader, COUNTED).await?;
    drop(reader);
    app.metrics.webhook_deliveries_pending.set(pending);
    for key in replaying {
        let now = app.clock.now();
        app.store
            .write::<(), Failure, _>(move |tx| Box::pin(async move { go_on_replaying(tx, key, now).await }))
            .await?;
    }
    for key in ended {
        // One step per round: a million deliveries take a quarter of an hour, which delays nobody.
        app.store.write::<(), Failure, _>(move |tx| Box::pin(async move { go_on_ending(tx, key).await })).await?;
    }
    let mut done = false;
    for key in dropping {
        let dropped =
            app.store.write::<_, Failure, _>(move |tx| Box::pin(async move { go_on_dropping(tx, key).await }));
        done |= dropped.await?;
    }
    // Deliveries created in the meantime are blocked behind those just deleted.
    if done { release_blocked(app).await } else { Ok(()) }
}

async fn end_waiting(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    let before = now.plus_secs(-MAX_WAIT_LENGTH);
    let overdue = webhook_endpoint::overdue(&mut app.store.reader().await?, before, TRIES).await?;
    for key in overdue {
        let mut ended = 0;
        loop {
            let some =
                app.store.write::<_, Failure, _>(move |tx| Box::pin(async move { expire_some(tx, key, now).await }));
            let some = some.await?;
            ended += some;
            if some < STEP {
                break;
            }
        }
        if ended > 0 {
            tracing::warn!(endpoint = %key.1, ended, "a webhook endpoint is too slow: deliveries expired after three days in the queue");
        }
    }
    release_blocked(app).await
}

/// Releases deliveries that were blocked behind ones that are no longer pending.
async fn release_blocked(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    loop {
        let blocked = webhook_delivery::blocked(&mut app.store.reader().await?).await?;
        let all = u64::try_from(blocked.len()).unwrap_or(u64::MAX) < STEP;
        let mut released = false;
        for (key, subject) in blocked {
            let let_go = app
                .store
                .write::<_, Failure, _>(move |tx| Box::pin(async move { release(tx, key, &subject, now).await }));
            released |= let_go.await?;
        }
        // Other nodes do the same: if nothing could be released, the work is done.
        if all || !released {
            return Ok(());
        }
    }
}
