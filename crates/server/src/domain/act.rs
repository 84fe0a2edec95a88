//! The context of an operation: the environment, the actor, the time, and the sources of identifiers and digests.

use super::product_name;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::keys::keyring::Keyring;
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{
    Actor, Authentication, Brand, DefaultMails, EnvironmentKind, Issuer, ProductPages, SessionPolicy,
};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The context of an operation: the environment, the actor, the time, and the sources of identifiers and digests.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who performs the operation.
    pub actor: Arc<Actor>,
    /// The environment (tenant).
    pub environment_id: EnvironmentId,
    /// The product name shown to users.
    pub product: String,
    /// The environment's branding.
    pub brand: Arc<Brand>,
    /// Staging or production.
    pub environment_kind: EnvironmentKind,
    /// The base URL of its pages.
    pub issuer: Issuer,
    /// How long users stay signed in.
    pub sessions: SessionPolicy,
    /// The enabled authentication methods, and whether users may sign up.
    pub authentication: Authentication,
    /// Pages of the company's product that users are sent to.
    pub product_pages: Arc<ProductPages>,
    /// Which messages this server sends on its own.
    pub default_mails: DefaultMails,
    /// The time of the operation.
    pub now: Timestamp,
    /// Generates identifiers and secrets.
    pub entropy: Arc<Entropy>,
    /// The keys for digests and sealing.
    pub keyring: Arc<Keyring>,
    /// Whether the audit log already has an event for this operation.
    pub(super) told: Arc<AtomicBool>,
}

impl Act {
    /// An operation by an actor in an environment, now.
    pub fn new(
        environment: &countersign_protocol::model::Environment,
        actor: impl Into<Arc<Actor>>,
        clock: &Clock,
        entropy: &Arc<Entropy>,
        keyring: &Arc<Keyring>,
    ) -> Self {
        Self {
            actor: actor.into(),
            environment_id: environment.id,
            product: product_name(environment),
            brand: Arc::clone(&environment.brand),
            sessions: environment.sessions,
            authentication: environment.authentication,
            product_pages: Arc::clone(&environment.product_pages),
            default_mails: environment.default_mails,
            environment_kind: environment.kind,
            issuer: environment.issuer.clone(),
            now: clock.now(),
            entropy: Arc::clone(entropy),
            keyring: Arc::clone(keyring),
            told: Arc::default(),
        }
    }

    /// The same operation, sharing its audit-log trace with another one: two environments, one request.
    #[must_use]
    pub fn traced_with(mut self, other: &Self) -> Self {
        self.told = Arc::clone(&other.told);
        self
    }
}
