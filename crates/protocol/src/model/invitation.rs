//! Invitations: emails that invite a person to join.

use crate::id::{InvitationId, OrganizationId, UserId};
use crate::time::Timestamp;

/// The stored state of an invitation. Expiry is not stored: it is computed from `expires_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// Not answered yet.
    Pending,
    /// Accepted by a user.
    Accepted {
        /// When it was accepted.
        at: Timestamp,
        /// The user who accepted it.
        by: UserId,
    },
    /// Revoked.
    Revoked {
        /// When it was revoked.
        at: Timestamp,
    },
}

impl InvitationState {
    /// The stored value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted { .. } => "accepted",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Reassembles a state from its stored parts; `None` if they are inconsistent.
    pub fn from_parts(
        word: &str,
        accepted: Option<(Timestamp, UserId)>,
        revoked_at: Option<Timestamp>,
    ) -> Option<Self> {
        match (word, accepted, revoked_at) {
            ("pending", None, None) => Some(Self::Pending),
            ("accepted", Some((at, by)), None) => Some(Self::Accepted { at, by }),
            ("revoked", None, Some(at)) => Some(Self::Revoked { at }),
            _ => None,
        }
    }
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The email address that is invited.
    pub email: String,
    /// Its state.
    pub state: InvitationState,
    /// The organization the user is to join.
    pub organization_id: Option<OrganizationId>,
    /// The user who sent the invitation.
    pub inviter_user_id: Option<UserId>,
    /// The role the user is to have.
    pub role_slug: Option<String>,
    /// The token in the link, sealed: the API shows it again with the invitation.
    pub sealed_token: Vec<u8>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Invitation {
    /// Whether it has expired without being accepted or revoked.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Pending && now >= self.expires_at
    }

    /// Whether it can still be accepted.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Pending && now < self.expires_at
    }

    /// The state on the wire, including expiry.
    pub fn state_word(&self, now: Timestamp) -> &'static str {
        if self.is_expired(now) { "expired" } else { self.state.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn an_invitation_is_open_until_it_expires_and_a_settled_one_does_not_expire() {
        let check = |state, now, word, open| {
            let (at, id) = (Timestamp::from_millis(0), Id::from_ulid(1));
            let invitation = Invitation {
                id,
                email: "a@b.co".to_owned(),
                state,
                organization_id: None,
                inviter_user_id: None,
                role_slug: None,
                sealed_token: Vec::new(),
                expires_at: Timestamp::from_millis(100),
                created_at: at,
                updated_at: at,
            };
            let now = Timestamp::from_millis(now);
            assert_eq!((invitation.state_word(now), invitation.is_open(now)), (word, open));
        };
        let at = Timestamp::from_millis(50);
        check(InvitationState::Pending, 99, "pending", true);
        check(InvitationState::Pending, 100, "expired", false);
        check(InvitationState::Accepted { at, by: Id::from_ulid(2) }, 200, "accepted", false);
        check(InvitationState::Revoked { at }, 200, "revoked", false);
    }

    #[test]
    fn a_stored_state_has_all_of_its_parts_and_no_others() {
        let (at, by) = (Timestamp::from_millis(5), Id::from_ulid(2));
        for state in [InvitationState::Pending, InvitationState::Accepted { at, by }, InvitationState::Revoked { at }] {
            let (accepted, revoked) = match state {
                InvitationState::Pending => (None, None),
                InvitationState::Accepted { at, by } => (Some((at, by)), None),
                InvitationState::Revoked { at } => (None, Some(at)),
            };
            assert_eq!(InvitationState::from_parts(state.as_str(), accepted, revoked), Some(state));
        }
        assert_eq!(InvitationState::from_parts("accepted", None, None), None);
        assert_eq!(InvitationState::from_parts("pending", None, Some(at)), None);
        assert_eq!(InvitationState::from_parts("expired", None, None), None);
    }
}
