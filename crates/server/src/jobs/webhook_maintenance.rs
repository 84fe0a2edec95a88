//! What webhooks need besides sending: replays go on, what was sent to endpoints that are gone is deleted, what has waited too
//! long is given up, and what is pending is counted. All of it a little at a time.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::webhooks::{expire_some, go_on_dropping, go_on_ending, go_on_replaying, release};
use countersign_protocol::webhook::schedule::{LONGEST_WAIT, TRIES};
use countersign_store::webhook_delivery::{self, STEP};
use countersign_store::webhook_endpoint;
use std::sync::Arc;

/// How far pending deliveries are counted.
const COUNTED: i64 = 10_000;

/// One round.
pub async fn run(app: Arc<App>) {
    if let Err(failure) = keep_up(&app).await {
        tracing::warn!(%failure, "webhooks are not looked after; the next round tries again");
    }
}

/// One round of what has time: nothing that waits has an end that is near.
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
        // A step in each round: those of a million take a quarter of an hour, and nobody waits for it.
        app.store.write::<(), Failure, _>(move |tx| Box::pin(async move { go_on_ending(tx, key).await })).await?;
    }
    let mut done = false;
    for key in dropping {
        let dropped =
            app.store.write::<_, Failure, _>(move |tx| Box::pin(async move { go_on_dropping(tx, key).await }));
        done |= dropped.await?;
    }
    // What came meanwhile waits behind what is gone now.
    if done { release_blocked(app).await } else { Ok(()) }
}

async fn end_waiting(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    let before = now.plus_secs(-LONGEST_WAIT);
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

/// Lets go what waits behind something that is not pending any more.
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
        // Others do the same: what none was left of is done.
        if all || !released {
            return Ok(());
        }
    }
}
