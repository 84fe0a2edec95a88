//! What sign-ins to the environment's own application have led to.

use crate::id::{OrganizationId, SessionFamilyId, SessionId};
use crate::oauth::grant::device_code::DeviceState;
use crate::oauth::pkce::CodeChallenge;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A code that was sent to the environment's own application: everything but its value.
#[derive(Debug, Clone)]
pub struct SessionCode {
    /// The keyed digest of its value.
    pub digest: Digest,
    /// The session it hands over.
    pub session_id: SessionId,
    /// For which organization.
    pub organization_id: Option<OrganizationId>,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// What it was redeemed for.
    pub family_id: Option<SessionFamilyId>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The refresh tokens that follow one another since one sign-in. They stand while the session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFamily {
    /// Its identifier.
    pub id: SessionFamilyId,
    /// The session it stands on.
    pub session_id: SessionId,
    /// The organization its tokens are for now.
    pub organization_id: Option<OrganizationId>,
    /// The number of the refresh token that is good now.
    pub generation: i64,
    /// When that one became the good one.
    pub rotated_at: Timestamp,
    /// When it expires unless it is used.
    pub idle_expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A device that waits for a person, to get a session of its own.
#[derive(Debug, Clone)]
pub struct SessionDevice {
    /// The keyed digest of its device code.
    pub digest: Digest,
    /// What the person types.
    pub user_code: String,
    /// How far it has come.
    pub state: DeviceState,
    /// The session in which the person agreed.
    pub session_id: Option<SessionId>,
    /// The organization that was chosen.
    pub organization_id: Option<OrganizationId>,
    /// How many seconds the device has to wait between two polls.
    pub interval: i64,
    /// When it polled last.
    pub polled_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
}
