use askama::Template;

use super::{Pager, Shell, Tick};

/// A member of an organization.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The URL of the membership's page.
    pub href: String,
    /// Their email address.
    pub email: String,
    /// Their name; empty if unknown.
    pub name: String,
    /// The slugs of their roles.
    pub roles: Vec<String>,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// When the membership was created, in words.
    pub since: String,
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    /// Its ID.
    pub id: String,
    /// The invited email address.
    pub email: String,
    /// The role that the invitation grants; empty for the default role.
    pub role: String,
    /// `pending`, `accepted`, `revoked` or `expired`.
    pub state: &'static str,
    /// When it was sent, in words.
    pub sent: String,
    /// When it expires, in words.
    pub expires: String,
}

impl InvitationRow {
    pub(crate) fn is_open(&self) -> bool {
        self.state == "pending"
    }
}

/// An organization's page: members and invitations.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization_people.html")]
pub struct OrganizationPeople<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of its page.
    pub href: &'a str,
    /// The current tab.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// The members.
    pub members: &'a [MemberRow],
    /// Pagination of the members.
    pub pager: &'a Pager,
    /// The search text.
    pub search: &'a str,
    /// The invitations, newest first.
    pub invitations: &'a [InvitationRow],
    /// Pagination of the invitations.
    pub invitations_pager: &'a Pager,
    /// All roles.
    pub roles: &'a [Tick],
    /// The typed user to add.
    pub who: &'a str,
    /// The typed address to invite.
    pub email: &'a str,
}

/// A membership's page.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/member.html")]
pub struct Member<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of its page.
    pub href: &'a str,
    /// The URL of the organization's people page.
    pub people: &'a str,
    /// The organization's name.
    pub organization: &'a str,
    /// The URL of the user's page.
    pub user: &'a str,
    /// The user's email address.
    pub email: &'a str,
    /// The ID of the membership.
    pub id: &'a str,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// All roles, with the member's own ticked.
    pub roles: &'a [Tick],
}
