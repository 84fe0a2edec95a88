//! Sessions of signed-in users.

use super::{AuthenticationMethod, SessionPolicy};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::time::Timestamp;

/// A user's session, in one browser or through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// The organization last selected.
    pub organization_id: Option<OrganizationId>,
    /// How the user authenticated.
    pub authentication_method: AuthenticationMethod,
    /// The user's IP address.
    pub ip_address: Option<String>,
    /// The user agent.
    pub user_agent: Option<String>,
    /// When the user authenticated.
    pub authenticated_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends regardless of use.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Session {
    /// Whether the session is active: not ended, not too old, and not unused for too long.
    pub fn is_live(&self, policy: SessionPolicy, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && now < self.authenticated_at.plus_secs(policy.maximum_length)
            && now < self.last_seen_at.plus_secs(policy.inactivity_timeout)
    }
}
