//! API keys: the environment's own for the management API, and those that customers use with the company's API.

use super::MadeBy;
use crate::id::{ApiKeyId, EnvironmentApiKeyId, EnvironmentId, OrganizationId};
use crate::time::Timestamp;

/// The number of trailing characters of a key that are stored to identify it to users.
pub const ENVIRONMENT_API_KEY_HINT: usize = 4;

/// An environment's API key for the management API.
#[derive(Debug, Clone)]
pub struct EnvironmentApiKey {
    /// Its identifier.
    pub id: EnvironmentApiKeyId,
    /// The only environment it grants access to.
    pub environment_id: EnvironmentId,
    /// The display name; unique in the environment.
    pub name: String,
    /// The last characters of its value.
    pub hint: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The owner an API key acts for.
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

/// An API key that a customer uses with the company's own API: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// The owner it acts for.
    pub owner: ApiKeyOwner,
    /// The display name.
    pub name: String,
    /// Enough of its value to recognize it by.
    pub obfuscated_value: String,
    /// The slugs of its permissions.
    pub permissions: Vec<String>,
    /// Who created it.
    pub made_by: MadeBy,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ApiKey {
    /// Whether it has expired by this time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
