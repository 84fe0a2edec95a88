//! What webhooks need besides sending: replays go on, what was sent to endpoints that are gone is deleted, and what is pending is
//! counted. All of it a little at a time.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::webhooks::go_on_replaying;
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

async fn keep_up(app: &App) -> Result<(), Failure> {
    let mut reader = app.store.reader().await?;
    let (replaying, ended) =
        (webhook_endpoint::replaying(&mut reader).await?, webhook_endpoint::ended(&mut reader).await?);
    let pending = webhook_delivery::pending(&mut reader, COUNTED).await?;
    drop(reader);
    app.metrics.webhook_deliveries_pending.set(pending);
    for key in replaying {
        let now = app.clock.now();
        app.store
            .write::<(), Failure, _>(move |tx| Box::pin(async move { go_on_replaying(tx, key, now).await }))
            .await?;
    }
    for (key, deleted) in ended {
        app.store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    // A step in each round: those of a million take a quarter of an hour, and nobody waits for it.
                    if webhook_delivery::drop_some(tx, key, deleted).await? < STEP && deleted {
                        webhook_endpoint::forget(tx, key).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(())
}
