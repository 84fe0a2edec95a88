//! What a node keeps in memory, and how long it may believe it.
//!
//! - [`environments`]: a snapshot of all environments with their keys and ready-made documents;
//! - [`clients`]: clients by environment and client id, bounded;
//! - [`environment_api_keys`]: management API keys by digest, bounded;
//! - [`grants`]: authorizations of people that stand, bounded;
//! - [`revoked_tokens`]: tokens revoked one by one, bounded;
//! - [`verified_tokens`]: claims of tokens whose signature was checked, bounded;
//! - [`freshness`]: the change feed that drops what has changed, and the rule that says when memory may be trusted.

pub mod clients;
pub mod environment_api_keys;
pub mod environments;
pub mod freshness;
pub mod grants;
pub mod revoked_tokens;
mod stale_environments;
pub mod verified_tokens;

use crate::clock::Clock;
use crate::keys::keyring::Keyring;
use arc_swap::ArcSwap;
use clients::Clients;
use countersign_protocol::model::Issuer;
use countersign_store::change::{Change, Topic};
use countersign_store::{Store, environment, revoked_token};
use environment_api_keys::EnvironmentApiKeys;
use environments::{EnvironmentState, Environments, Unreadable};
use grants::Grants;
use revoked_tokens::RevokedTokens;
use stale_environments::StaleEnvironments;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use verified_tokens::VerifiedTokens;

/// Everything a node keeps in memory. Each part is bounded, but for the environments, of which there are few.
#[derive(Debug)]
pub struct Caches {
    /// All environments.
    pub environments: ArcSwap<Environments>,
    /// Clients.
    pub clients: Clients,
    /// Management API keys.
    pub environment_api_keys: EnvironmentApiKeys,
    /// Authorizations of people.
    pub grants: Grants,
    /// Revoked tokens.
    pub revoked_tokens: RevokedTokens,
    /// Verified tokens.
    pub verified_tokens: VerifiedTokens,
    keyring: Arc<Keyring>,
    public_url: Issuer,
    clock: Clock,
    stale_environments: StaleEnvironments,
    stale_revoked_tokens: AtomicBool,
}

impl Caches {
    /// Caches that hold nothing yet; the first poll of the feed fills what must be there.
    pub fn new(entries: usize, keyring: Arc<Keyring>, public_url: Issuer, clock: Clock) -> Self {
        Self {
            environments: ArcSwap::default(),
            clients: Clients::new(entries),
            environment_api_keys: EnvironmentApiKeys::new(entries),
            grants: Grants::new(entries),
            revoked_tokens: RevokedTokens::new(entries.saturating_mul(10)),
            verified_tokens: VerifiedTokens::new(entries),
            keyring,
            public_url,
            clock,
            stale_environments: StaleEnvironments::all(),
            stale_revoked_tokens: AtomicBool::new(true),
        }
    }

    /// Reads the environments that are stale, one after the other: what has been read is kept when this is given up half-way.
    async fn refresh_environments(&self, store: &Store) -> countersign_store::Result<()> {
        let mut reader = store.feed_reader().await?;
        let environments = environment::with_staff(&mut reader).await?;
        let before = self.environments.load_full();
        self.stale_environments.settle(&environments, |id| before.get(id).is_some());
        while let Some(id) = self.stale_environments.next() {
            let Some(environment) = environments.iter().find(|environment| environment.id == id) else {
                self.stale_environments.has_gone(id);
                continue;
            };
            let state = match EnvironmentState::read(&mut reader, environment.clone(), &self.keyring).await {
                Err(countersign_store::Error::Corrupt(reason)) => Err(Unreadable::new(environment, &reason)),
                read => read?,
            };
            // One that cannot be served keeps no other from being served.
            let state = state
                .inspect_err(|unreadable| tracing::error!(%unreadable, "an environment is not served"))
                .ok()
                .map(Arc::new);
            self.stale_environments.was_read(id, state);
        }
        let states = self.stale_environments.finish(before.states());
        self.environments.store(Arc::new(Environments::assemble(&environments, &states, &self.public_url)));
        Ok(())
    }

    /// Drops revoked tokens that have expired by themselves.
    pub fn expire_revoked_tokens(&self) {
        if self.revoked_tokens.expire(self.clock.now()) {
            self.stale_revoked_tokens.store(true, Ordering::Release);
        }
    }
}

impl freshness::Memory for Caches {
    fn apply(&self, changes: &[Change]) {
        for change in changes {
            match &change.topic {
                Some(Topic::Environment) => self.stale_environments.add(change.environment_id),
                Some(Topic::EnvironmentApiKeys) => self.environment_api_keys.remove_environment(change.environment_id),
                Some(Topic::Client(client_id)) => self.clients.remove(change.environment_id, *client_id),
                Some(Topic::Clients) => self.clients.remove_environment(change.environment_id),
                Some(Topic::RevokedToken(jti, until)) => {
                    self.revoked_tokens.insert(change.environment_id, *jti, *until);
                }
                Some(Topic::Grant(id)) => self.grants.remove(change.environment_id, *id),
                Some(Topic::GrantsOfUser(id)) => self.grants.remove_user(change.environment_id, *id),
                Some(Topic::Grants) => self.grants.remove_environment(change.environment_id),
                None => self.forget(),
            }
        }
    }

    fn forget(&self) {
        self.clients.clear();
        self.environment_api_keys.clear();
        self.grants.clear();
        self.revoked_tokens.forget();
        self.stale_environments.add_all();
        self.stale_revoked_tokens.store(true, Ordering::Release);
    }

    async fn refresh(&self, store: &Store) -> countersign_store::Result<()> {
        if self.stale_environments.any() {
            self.refresh_environments(store).await?;
        }
        if self.stale_revoked_tokens.load(Ordering::Acquire) {
            let mut reader = store.feed_reader().await?;
            let live = revoked_token::live(&mut reader, self.clock.now(), self.revoked_tokens.wanted()).await?;
            // Before: whoever asks for it again meanwhile is not forgotten.
            self.stale_revoked_tokens.store(false, Ordering::Release);
            self.revoked_tokens.fill(live);
        }
        Ok(())
    }
}
