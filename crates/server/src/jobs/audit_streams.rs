//! Sends audit log events to their destinations. A slow destination holds up nobody else: each stream is sent in its
//! own task, with a limit on concurrent tasks overall and per environment.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::audit_log::streams::advance;
use countersign_protocol::id::EnvironmentId;
use countersign_store::audit_log_stream;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The maximum number of streams that this node sends concurrently.
const ALL: usize = 64;
/// The maximum number for one environment.
const OF_ONE: usize = 16;

/// The number of streams that this node is sending, by environment.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashMap<EnvironmentId, usize>>>);

/// A stream's slot, held until dropped.
#[derive(Debug)]
struct Place {
    in_flight: InFlight,
    environment_id: EnvironmentId,
}

impl InFlight {
    fn taken(&self) -> MutexGuard<'_, HashMap<EnvironmentId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for an environment's stream, if one is free.
    fn take(&self, environment_id: EnvironmentId) -> Option<Place> {
        let mut taken = self.taken();
        let here = taken.get(&environment_id).copied().unwrap_or(0);
        if here >= OF_ONE || taken.values().sum::<usize>() >= ALL {
            return None;
        }
        taken.insert(environment_id, here + 1);
        Some(Place { in_flight: self.clone(), environment_id })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.in_flight.taken();
        match taken.get_mut(&self.environment_id) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.environment_id)),
        }
    }
}

/// Runs one round.
pub async fn run(app: Arc<App>, in_flight: InFlight) {
    if let Err(failure) = begin(&app, &in_flight).await {
        tracing::warn!(%failure, "audit log events could not be sent; the next round tries again");
    }
}

async fn begin(app: &Arc<App>, in_flight: &InFlight) -> Result<(), Failure> {
    for (environment_id, stream) in audit_log_stream::due(&mut app.store.reader().await?, app.clock.now()).await? {
        let Some(place) = in_flight.take(environment_id) else { continue };
        let app = Arc::clone(app);
        tokio::spawn(async move {
            if let Err(failure) = advance(&app, environment_id, stream).await {
                tracing::warn!(%failure, "audit log events could not be sent; they are sent again");
            }
            drop(place);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;

    #[test]
    fn an_environment_does_not_take_all_places() {
        let in_flight = InFlight::default();
        let (one, other) = (EnvironmentId::from_ulid(1), EnvironmentId::from_ulid(2));
        let mut places: Vec<_> = std::iter::from_fn(|| in_flight.take(one)).collect();
        assert_eq!(places.len(), OF_ONE);
        places.extend(in_flight.take(other));
        assert_eq!(places.len(), OF_ONE + 1);
        for number in 3..20 {
            places.extend(std::iter::from_fn(|| in_flight.take(EnvironmentId::from_ulid(number))));
        }
        assert_eq!(places.len(), ALL);
        drop(places);
        assert!(in_flight.taken().is_empty());
    }
}
