//! What sign-ins to the environment's own application lead to.

use crate::id::{OrganizationId, SessionFamilyId, SessionId};
use crate::oauth::grant::device_code::DeviceState;
use crate::oauth::pkce::CodeChallenge;
use crate::secret::Digest;
use crate::time::Timestamp;

/// An authorization code issued to the environment's own application: everything but its value.
#[derive(Debug, Clone)]
pub struct SessionCode {
    /// The keyed digest of its value.
    pub digest: Digest,
    /// The session the code is for.
    pub session_id: SessionId,
    /// The organization it is for.
    pub organization_id: Option<OrganizationId>,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// The token family it was redeemed for.
    pub family_id: Option<SessionFamilyId>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The chain of refresh tokens from one sign-in. It is valid only as long as its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFamily {
    /// Its identifier.
    pub id: SessionFamilyId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// The organization its tokens are currently for.
    pub organization_id: Option<OrganizationId>,
    /// The number of the current refresh token.
    pub generation: i64,
    /// When that token became the current one.
    pub rotated_at: Timestamp,
    /// When it expires if it is not used.
    pub idle_expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A device waiting for a user's approval to get its own session.
#[derive(Debug, Clone)]
pub struct SessionDevice {
    /// The keyed digest of its device code.
    pub digest: Digest,
    /// The code that the user types.
    pub user_code: String,
    /// The state of the authorization.
    pub state: DeviceState,
    /// The session in which the user approved.
    pub session_id: Option<SessionId>,
    /// The selected organization.
    pub organization_id: Option<OrganizationId>,
    /// The polling interval, in seconds.
    pub interval: i64,
    /// When the device last polled.
    pub polled_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
}
