//! Makes copies of audit logs.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::audit_exports::make;
use countersign_store::audit_log_export;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many copies a node makes at once.
const AT_ONCE: usize = 2;

/// How many copies this node is making.
#[derive(Debug, Clone)]
pub struct InTheMaking(Arc<Semaphore>);

impl Default for InTheMaking {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// One round.
pub async fn run(app: Arc<App>, making: InTheMaking) {
    if let Err(failure) = begin(&app, &making).await {
        tracing::warn!(%failure, "copies of audit logs could not be made; the next round tries again");
    }
}

async fn begin(app: &Arc<App>, making: &InTheMaking) -> Result<(), Failure> {
    if making.0.available_permits() == 0 {
        return Ok(());
    }
    for (environment_id, export) in audit_log_export::due(&mut app.store.reader().await?, app.clock.now()).await? {
        let Ok(permit) = Arc::clone(&making.0).try_acquire_owned() else { return Ok(()) };
        let app = Arc::clone(app);
        tokio::spawn(async move {
            if let Err(failure) = make(&app, environment_id, export).await {
                tracing::warn!(%failure, "a copy of an audit log could not be made; it is taken up again");
            }
            drop(permit);
        });
    }
    Ok(())
}
