//! Creates audit log exports. Environments take turns, so that one with many exports does not hold up the others.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::audit_log::exports::make;
use countersign_protocol::id::EnvironmentId;
use countersign_store::audit_log_export;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// The number of exports that a node creates concurrently.
const AT_ONCE: usize = 2;

/// The exports that this node is creating, and the environment whose turn was last.
#[derive(Debug, Clone)]
pub struct RunningExports {
    places: Arc<Semaphore>,
    last: Arc<Mutex<Option<EnvironmentId>>>,
}

impl Default for RunningExports {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), last: Arc::default() }
    }
}

impl RunningExports {
    fn last(&self) -> Option<EnvironmentId> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sorts due exports by turn: environments by identifier, starting after the last one.
fn in_turn<T>(due: &mut [(EnvironmentId, T)], last: Option<EnvironmentId>) {
    due.sort_by_key(|(environment_id, _)| (Some(*environment_id) <= last, *environment_id));
}

/// Runs one round.
pub async fn run(app: Arc<App>, making: RunningExports) {
    if let Err(failure) = begin(&app, &making).await {
        tracing::warn!(%failure, "copies of audit logs could not be made; the next round tries again");
    }
}

async fn begin(app: &Arc<App>, making: &RunningExports) -> Result<(), Failure> {
    if making.places.available_permits() == 0 {
        return Ok(());
    }
    let mut due = audit_log_export::due(&mut app.store.reader().await?, app.clock.now()).await?;
    in_turn(&mut due, making.last());
    for (environment_id, export) in due {
        let Ok(permit) = Arc::clone(&making.places).try_acquire_owned() else { return Ok(()) };
        *making.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(environment_id);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_take_turns() {
        let id =
            |number: u8| format!("environment_01EHZNVPK3SFK441A1RGBFSHR{number}").parse::<EnvironmentId>().unwrap();
        let check = |last: Option<u8>, expected: [u8; 3]| {
            let mut due = [(id(3), 3), (id(1), 1), (id(2), 2)];
            in_turn(&mut due, last.map(id));
            assert_eq!(due.map(|(_, number)| number), expected, "{last:?}");
        };
        check(None, [1, 2, 3]);
        check(Some(0), [1, 2, 3]);
        check(Some(1), [2, 3, 1]);
        check(Some(2), [3, 1, 2]);
        check(Some(3), [1, 2, 3]);
    }
}
