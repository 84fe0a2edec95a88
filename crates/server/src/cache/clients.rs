//! Clients by environment and client id.

use countersign_protocol::id::{ClientId, EnvironmentId};
use countersign_protocol::oauth::client::Client;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// A bounded cache of clients.
#[derive(Debug)]
pub struct Clients(Cache<(EnvironmentId, ClientId), Arc<Client>>);

impl Clients {
    /// A cache for so many.
    pub fn new(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    /// The client, if it is here.
    pub fn get(&self, environment_id: EnvironmentId, client_id: ClientId) -> Option<Arc<Client>> {
        self.0.get(&(environment_id, client_id))
    }

    /// Puts a client in.
    pub fn insert(&self, client: Arc<Client>) {
        self.0.insert((client.environment_id, client.application.client_id), client);
    }

    /// Drops a client.
    pub fn remove(&self, environment_id: EnvironmentId, client_id: ClientId) {
        self.0.remove(&(environment_id, client_id));
    }

    /// Drops an environment's clients.
    pub fn remove_environment(&self, environment_id: EnvironmentId) {
        self.0.retain(|(environment, _), _| *environment != environment_id);
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.0.clear();
    }
}
