//! People.

use crate::id::{MembershipId, OrganizationId, UserId};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A person's account in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// The address, as it was given.
    pub email: String,
    /// Whether somebody has proven to read mail sent there.
    pub email_verified: bool,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The whole name, where it is not first and last.
    pub name: Option<String>,
    /// A picture.
    pub profile_picture_url: Option<String>,
    /// The company's own identifier for the person; unique in the environment.
    pub external_id: Option<String>,
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// The language the person reads, such as `de`.
    pub locale: Option<String>,
    /// When the person last signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// What to call the person: the name, else its parts, else nothing.
    pub fn full_name(&self) -> Option<String> {
        self.name.clone().or_else(|| match (&self.first_name, &self.last_name) {
            (None, None) => None,
            (first, last) => Some([first, last].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")),
        })
    }
}

/// Whether a membership counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipStatus {
    /// It does.
    Active,
    /// It was suspended.
    Inactive,
    /// An invitation has not been accepted yet.
    Pending,
}

impl MembershipStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Pending].into_iter().find(|status| status.as_str() == text)
    }
}

/// A person's belonging to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its identifier.
    pub id: MembershipId,
    /// Who.
    pub user_id: UserId,
    /// To what.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// Whether it counts.
    pub status: MembershipStatus,
    /// Slugs of the roles the member has, the first one foremost.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
