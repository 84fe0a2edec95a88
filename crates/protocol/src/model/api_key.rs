//! API keys: the environment's own for the management API, and those that customers use against the company's API.

use super::MadeBy;
use crate::id::{ApiKeyId, EnvironmentApiKeyId, EnvironmentId, OrganizationId};
use crate::time::Timestamp;

/// How many of a key's last characters are kept to show which key it is.
pub const ENVIRONMENT_API_KEY_HINT: usize = 4;

/// An environment's key for the management API.
#[derive(Debug, Clone)]
pub struct EnvironmentApiKey {
    /// Its identifier.
    pub id: EnvironmentApiKeyId,
    /// The environment it opens, and no other.
    pub environment_id: EnvironmentId,
    /// What people read; unique in the environment.
    pub name: String,
    /// The last characters of its value.
    pub hint: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who an API key acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyOwner {
    /// An organization as a whole.
    Organization(OrganizationId),
}

impl ApiKeyOwner {
    /// The organization the key acts in.
    pub const fn organization_id(self) -> OrganizationId {
        match self {
            Self::Organization(id) => id,
        }
    }
}

/// A key that a customer uses against the company's own API: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// Who it acts for.
    pub owner: ApiKeyOwner,
    /// What people read.
    pub name: String,
    /// Enough of its value to recognise it by.
    pub obfuscated_value: String,
    /// The slugs of what it may do.
    pub permissions: Vec<String>,
    /// Who has made it.
    pub made_by: MadeBy,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ApiKey {
    /// Whether it has stopped working by this time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
