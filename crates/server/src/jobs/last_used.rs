//! When credentials were last used: recorded in memory, to the minute, and written in batches, so that no token request
//! waits for a write and a busy credential costs one write a minute.

use crate::app::App;
use crate::domain::Failure;
use countersign_protocol::id::{ApiKeyId, ClientSecretId, EnvironmentApiKeyId, EnvironmentId};
use countersign_protocol::time::Timestamp;
use countersign_store::{api_key, client_secret, environment_api_key};
use quick_cache::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};

/// The precision of the timestamps, in milliseconds.
const RESOLUTION: i64 = 60_000;
/// The maximum number of pending entries. More are dropped, since they are only a convenience.
const WAITING: usize = 10_000;

/// The number of entries written in one transaction.
const STEP: usize = 500;

/// The credential that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A client secret.
    ClientSecret(ClientSecretId),
    /// An environment's API key.
    EnvironmentApiKey(EnvironmentApiKeyId),
    /// A customer's API key.
    ApiKey(ApiKeyId),
}

type Note = (EnvironmentId, Subject, Timestamp);

/// Entries not yet written to the database.
#[derive(Debug)]
pub struct LastUsed {
    noted: Cache<Subject, i64>,
    waiting: Mutex<Vec<Note>>,
}

impl LastUsed {
    /// Creates a recorder that remembers this many subjects, so as to write each once a minute.
    pub fn new(entries: usize) -> Self {
        Self { noted: Cache::new(entries), waiting: Mutex::default() }
    }

    /// Records a use.
    pub fn note(&self, environment_id: EnvironmentId, subject: Subject, now: Timestamp) {
        let minute = now.as_millis() / RESOLUTION;
        if self.noted.get(&subject) == Some(minute) {
            return;
        }
        self.noted.insert(subject, minute);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING {
            waiting.push((environment_id, subject, now));
        }
    }

    fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes the pending entries.
pub async fn run(app: Arc<App>) {
    let notes = app.last_used.take();
    if notes.is_empty() {
        return;
    }
    // In a fixed order, so that two nodes never deadlock, and in steps, so that nobody waits long.
    let mut notes = notes;
    notes.sort_unstable_by_key(|(environment_id, subject, _)| (*environment_id, *subject));
    for step in notes.chunks(STEP) {
        let step = step.to_vec();
        let written = app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                for (environment_id, subject, at) in step {
                    match subject {
                        Subject::ClientSecret(id) => client_secret::touch(tx, environment_id, id, at).await?,
                        Subject::EnvironmentApiKey(id) => {
                            environment_api_key::touch(tx, environment_id, id, at).await?
                        }
                        Subject::ApiKey(id) => api_key::touch(tx, environment_id, id, at).await?,
                    }
                }
                Ok(())
            })
        });
        if let Err(failure) = written.await {
            tracing::warn!(%failure, "could not write when credentials were last used");
        }
    }
}
