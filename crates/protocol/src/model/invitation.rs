//! Invitations: mail that asks a person in.

use crate::id::{InvitationId, OrganizationId, UserId};
use crate::time::Timestamp;

/// What has become of an invitation, as it is stored. Expiry is not stored: it is computed from `expires_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// It waits.
    Pending,
    /// Somebody has followed it.
    Accepted {
        /// When.
        at: Timestamp,
        /// Who.
        by: UserId,
    },
    /// It was taken back.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl InvitationState {
    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted { .. } => "accepted",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Puts a state together from what is stored of it.
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
    /// Who is invited.
    pub email: String,
    /// What has become of it.
    pub state: InvitationState,
    /// What the person is to belong to.
    pub organization_id: Option<OrganizationId>,
    /// Who invites.
    pub inviter_user_id: Option<UserId>,
    /// The role that the person is to have.
    pub role_slug: Option<String>,
    /// The token of the link, sealed: it is shown again whenever the invitation is.
    pub sealed_token: Vec<u8>,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Invitation {
    /// Whether it is too late for it, though nobody has followed it or taken it back.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Pending && now >= self.expires_at
    }

    /// Whether it can still be followed.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Pending && now < self.expires_at
    }

    /// The word on the wire.
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
