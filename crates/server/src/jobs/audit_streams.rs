//! Sends audit log events to where they are wanted. An address that answers slowly keeps nobody waiting: each is on its way
//! by itself, so many at once and no more.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::audit_streams::advance;
use countersign_store::audit_log_stream;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many batches of this node are on their way at once.
#[derive(Debug, Clone)]
pub struct OnTheirWay(Arc<Semaphore>);

impl Default for OnTheirWay {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(32)))
    }
}

/// One round.
pub async fn run(app: Arc<App>, on_their_way: OnTheirWay) {
    if let Err(failure) = begin(&app, &on_their_way).await {
        tracing::warn!(%failure, "audit log events could not be sent; the next round tries again");
    }
}

async fn begin(app: &Arc<App>, on_their_way: &OnTheirWay) -> Result<(), Failure> {
    for (environment_id, stream) in audit_log_stream::due(&mut app.store.reader().await?, app.clock.now()).await? {
        let Ok(permit) = Arc::clone(&on_their_way.0).try_acquire_owned() else { return Ok(()) };
        let app = Arc::clone(app);
        tokio::spawn(async move {
            if let Err(failure) = advance(&app, environment_id, stream).await {
                tracing::warn!(%failure, "audit log events could not be sent; they are sent again");
            }
            drop(permit);
        });
    }
    Ok(())
}
