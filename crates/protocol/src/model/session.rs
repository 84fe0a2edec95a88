//! Sessions: people signed in.

use super::{AuthenticationMethod, SessionPolicy};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::time::Timestamp;

/// A person signed in, in one browser or through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Who.
    pub user_id: UserId,
    /// The organization last chosen.
    pub organization_id: Option<OrganizationId>,
    /// How they proved who they are.
    pub authentication_method: AuthenticationMethod,
    /// From where.
    pub ip_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// When they proved who they are.
    pub authenticated_at: Timestamp,
    /// When the session was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Session {
    /// Whether it still counts: not ended, not too old, not unused for too long.
    pub fn is_live(&self, policy: SessionPolicy, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && now < self.authenticated_at.plus_secs(policy.maximum_length)
            && now < self.last_seen_at.plus_secs(policy.inactivity_timeout)
    }
}
