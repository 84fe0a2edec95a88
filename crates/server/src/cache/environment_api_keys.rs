//! Management API keys by the digest of their value.

use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::EnvironmentApiKey;
use countersign_protocol::secret::Digest;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// A bounded cache of management API keys.
#[derive(Debug)]
pub struct EnvironmentApiKeys(Cache<[u8; 32], Arc<EnvironmentApiKey>>);

impl EnvironmentApiKeys {
    /// A cache for so many.
    pub fn new(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    /// The key, if it is here. The digest is keyed: how a lookup by it takes its time tells nothing of any value.
    pub fn get(&self, digest: &Digest) -> Option<Arc<EnvironmentApiKey>> {
        self.0.get(digest.as_bytes())
    }

    /// Puts a key in.
    pub fn insert(&self, digest: &Digest, key: Arc<EnvironmentApiKey>) {
        self.0.insert(*digest.as_bytes(), key);
    }

    /// Drops an environment's keys.
    pub fn remove_environment(&self, environment_id: EnvironmentId) {
        self.0.retain(|_, key| key.environment_id != environment_id);
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.0.clear();
    }
}
