//! What every act needs: whose environment, who acts, when, and where identifiers and digests come from.

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

/// What every act needs: whose environment, who acts, when, and where identifiers and digests come from.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who acts.
    pub actor: Arc<Actor>,
    /// The tenant.
    pub environment_id: EnvironmentId,
    /// What people know the product as.
    pub product: String,
    /// What was chosen of its look.
    pub brand: Arc<Brand>,
    /// Staging or production.
    pub environment_kind: EnvironmentKind,
    /// Where its pages are.
    pub issuer: Issuer,
    /// How long people stay signed in.
    pub sessions: SessionPolicy,
    /// How people may prove who they are, and whether strangers may make accounts.
    pub authentication: Authentication,
    /// Pages of the company's product to which people are led.
    pub product_pages: Arc<ProductPages>,
    /// Which messages this server sends of itself.
    pub default_mails: DefaultMails,
    /// The moment at which the act happens.
    pub now: Timestamp,
    /// Identifiers and secrets.
    pub entropy: Arc<Entropy>,
    /// Digests.
    pub keyring: Arc<Keyring>,
    /// Whether the audit log tells of this act already.
    pub(super) told: Arc<AtomicBool>,
}

impl Act {
    /// An act of somebody in an environment, now.
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

    /// The same act, whose traces in the audit log count for another one's too: two environments, one request.
    #[must_use]
    pub fn traced_with(mut self, other: &Self) -> Self {
        self.told = Arc::clone(&other.told);
        self
    }
}
