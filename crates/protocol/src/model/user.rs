//! Users and their memberships.

use crate::id::{MembershipId, OrganizationId, UserId};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A user's account in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// The email address, as entered.
    pub email: String,
    /// Whether control of the address has been verified.
    pub email_verified: bool,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The full name, if it is not simply first and last name.
    pub name: Option<String>,
    /// The URL of a profile picture.
    pub profile_picture_url: Option<String>,
    /// The company's own identifier for the user; unique in the environment.
    pub external_id: Option<String>,
    /// Custom key-value metadata.
    pub metadata: BTreeMap<String, String>,
    /// The user's language, such as `de`.
    pub locale: Option<String>,
    /// When the user last signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The user's full name: `name`, or else first and last name, or else `None`.
    pub fn full_name(&self) -> Option<String> {
        self.name.clone().or_else(|| match (&self.first_name, &self.last_name) {
            (None, None) => None,
            (first, last) => Some([first, last].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")),
        })
    }
}

/// The status of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipStatus {
    /// The membership is in effect.
    Active,
    /// It was suspended.
    Inactive,
    /// An invitation has not been accepted yet.
    Pending,
}

impl MembershipStatus {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }

    /// Parses the value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Pending].into_iter().find(|status| status.as_str() == text)
    }
}

/// A user's membership in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its identifier.
    pub id: MembershipId,
    /// The user.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// Its status.
    pub status: MembershipStatus,
    /// The slugs of the member's roles, the primary one first.
    pub roles: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
