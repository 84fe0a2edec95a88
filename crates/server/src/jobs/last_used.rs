//! When credentials were last used: noted in memory, to the minute, and written in batches, so that no token waits for
//! a write and a busy credential costs one write a minute.

use crate::app::App;
use crate::domain::Failure;
use countersign_protocol::id::{ApiKeyId, ClientSecretId, EnvironmentApiKeyId, EnvironmentId};
use countersign_protocol::time::Timestamp;
use countersign_store::{api_key, client_secret, environment_api_key};
use quick_cache::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};

/// How precise the notes are, in milliseconds.
const RESOLUTION: i64 = 60_000;
/// Notes that may wait; more are dropped, for they are only a convenience.
const WAITING: usize = 10_000;

/// Notes written in one transaction.
const STEP: usize = 500;

/// What was used.
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

/// Notes on their way to the database.
#[derive(Debug)]
pub struct LastUsed {
    noted: Cache<Subject, i64>,
    waiting: Mutex<Vec<Note>>,
}

impl LastUsed {
    /// Remembers so many subjects, to write each once a minute.
    pub fn new(entries: usize) -> Self {
        Self { noted: Cache::new(entries), waiting: Mutex::default() }
    }

    /// Notes a use.
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

/// Writes what waits.
pub async fn run(app: Arc<App>) {
    let notes = app.last_used.take();
    if notes.is_empty() {
        return;
    }
    // In one order, so that two nodes never wait for each other, and in steps, so that nobody waits for long.
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
