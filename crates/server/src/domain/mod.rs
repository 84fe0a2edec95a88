//! Acts that more than one front door performs: the management API and `countersign apply` create the same things
//! through the same functions. Each runs inside the caller's transaction and writes its events there.

pub mod api_keys;
pub mod applications;
pub mod attempts;
pub mod audit;
pub mod audit_chain;
pub mod audit_exports;
pub mod audit_retention;
pub mod audit_streams;
pub mod authentications;
pub mod authorization_codes;
pub mod backchannel_logout;
pub mod branding;
pub mod client_secrets;
pub mod domain_verification;
pub mod email_change;
pub mod email_verification;
pub mod environment_api_keys;
pub mod environments;
pub mod events;
pub mod external_authentications;
pub mod grants;
pub mod images;
pub mod invitations;
pub mod jwt_templates;
pub mod magic_auth;
pub mod mailed_codes;
pub mod mails;
pub mod memberships;
pub mod moment;
pub mod oauth_resources;
pub mod organizations;
pub mod password_check;
pub mod password_resets;
pub mod people;
pub mod permissions;
pub mod portal;
pub mod qr_code;
pub mod roles;
pub mod second_factors;
pub mod self_registration;
pub mod session_families;
pub mod sessions;
pub mod sign_in_settings;
pub mod staff;
pub mod staff_changes;
pub mod standalone;
pub mod uploads;
pub mod users;
pub mod webhook_requests;
pub mod webhooks;

use crate::clock::Clock;
use crate::entropy::{Entropy, NoEntropy};
use crate::keys::keyring::Keyring;
use crate::passwords::Busy;
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{
    Actor, Authentication, Brand, DefaultMails, EnvironmentKind, Issuer, ProductPages, SessionPolicy,
};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller is told this.
    #[error("{0}")]
    Refused(ApiError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] countersign_store::Error),
    /// Something of ours failed; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// A failure of ours.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// A 404.
    pub fn not_found(thing: &'static str, id: impl std::fmt::Display) -> Self {
        Self::Refused(ApiError::not_found(thing, id.to_string()))
    }

    /// A 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::bad_request(code, message))
    }

    /// A conflict.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::Conflict { code, message: message.into() })
    }

    /// Something wrong with one field.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::invalid(field, code, message))
    }

    /// What the caller is told. What they are not told is logged here.
    pub fn into_api_error(self) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Store(countersign_store::Error::Unavailable(reason)) => {
                tracing::warn!(%reason, "the database is not available");
                ApiError::Unavailable
            }
            // Everything that a row refers to was read before: it was deleted since. Whoever asks again is told what is so now.
            Self::Store(countersign_store::Error::ForeignKey) => {
                tracing::warn!("a request conflicted with the deletion of what it refers to");
                ApiError::Unavailable
            }
            Self::Store(error) => {
                tracing::error!(%error, "a request failed");
                ApiError::Internal
            }
            Self::Internal(error) => {
                tracing::error!(%error, "a request failed");
                ApiError::Internal
            }
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<NoEntropy> for Failure {
    fn from(error: NoEntropy) -> Self {
        Self::internal(error)
    }
}

impl From<Busy> for Failure {
    fn from(busy: Busy) -> Self {
        tracing::warn!("{busy}");
        Self::Refused(ApiError::Unavailable)
    }
}

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
    told: Arc<AtomicBool>,
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

/// What people know the product of an environment as: what was chosen, else the environment's name.
pub fn product_name(environment: &countersign_protocol::model::Environment) -> String {
    match &environment.brand.name {
        Some(name) => name.clone(),
        None if environment.name == "default" => "Countersign".to_owned(),
        None => environment.name.clone(),
    }
}
