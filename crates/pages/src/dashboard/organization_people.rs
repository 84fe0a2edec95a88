use askama::Template;

use super::{Pager, Shell, Tick};

/// Who belongs to an organization.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The page of the membership.
    pub href: String,
    /// Their address.
    pub email: String,
    /// Their name; empty when it is not known.
    pub name: String,
    /// The slugs of their roles.
    pub roles: Vec<String>,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// Since when.
    pub since: String,
}

/// Somebody who was asked in.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    /// Its identifier.
    pub id: String,
    /// Whom it was sent to.
    pub email: String,
    /// The role that they will have; empty for the default one.
    pub role: String,
    /// `pending`, `accepted`, `revoked` or `expired`.
    pub state: &'static str,
    /// When.
    pub sent: String,
    /// Until when.
    pub expires: String,
}

impl InvitationRow {
    pub(crate) fn is_open(&self) -> bool {
        self.state == "pending"
    }
}

/// One organization: its people.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization_people.html")]
pub struct OrganizationPeople<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Its page.
    pub href: &'a str,
    /// Which of its pages this is.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// Who belongs to it.
    pub members: &'a [MemberRow],
    /// Where to go from those.
    pub pager: &'a Pager,
    /// The address that was searched for among them.
    pub search: &'a str,
    /// Who was asked in, newest first.
    pub invitations: &'a [InvitationRow],
    /// Where to go from those.
    pub invitations_pager: &'a Pager,
    /// The roles that there are.
    pub roles: &'a [Tick],
    /// What was typed as the person to add.
    pub who: &'a str,
    /// What was typed as the address to invite.
    pub email: &'a str,
}

/// What somebody is in an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/member.html")]
pub struct Member<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Its page.
    pub href: &'a str,
    /// The page of the people of the organization.
    pub people: &'a str,
    /// The organization's name.
    pub organization: &'a str,
    /// The person's page.
    pub user: &'a str,
    /// Their address.
    pub email: &'a str,
    /// The identifier of the membership.
    pub id: &'a str,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// The roles that there are, theirs ticked.
    pub roles: &'a [Tick],
}
