//! Authorizations of people that stand, by environment and identifier.

use countersign_protocol::id::{EnvironmentId, TokenFamilyId, UserId};
use countersign_protocol::oauth::introspection::StandingFamily;
use quick_cache::sync::Cache;

/// A bounded cache of authorizations that stand.
#[derive(Debug)]
pub struct Grants(Cache<(EnvironmentId, TokenFamilyId), StandingFamily>);

impl Grants {
    /// A cache for so many.
    pub fn new(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    /// The authorization, if it is here.
    pub fn get(&self, environment_id: EnvironmentId, id: TokenFamilyId) -> Option<StandingFamily> {
        self.0.get(&(environment_id, id))
    }

    /// Puts one in.
    pub fn insert(&self, environment_id: EnvironmentId, grant: StandingFamily) {
        self.0.insert((environment_id, grant.id), grant);
    }

    /// Drops one.
    pub fn remove(&self, environment_id: EnvironmentId, id: TokenFamilyId) {
        self.0.remove(&(environment_id, id));
    }

    /// Drops a person's.
    pub fn remove_user(&self, environment_id: EnvironmentId, user_id: UserId) {
        self.0.retain(|(environment, _), grant| *environment != environment_id || grant.user_id != user_id);
    }

    /// Drops an environment's.
    pub fn remove_environment(&self, environment_id: EnvironmentId) {
        self.0.retain(|(environment, _), _| *environment != environment_id);
    }

    /// Drops all.
    pub fn clear(&self) {
        self.0.clear();
    }
}
