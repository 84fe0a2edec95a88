use askama::Template;

use super::{InvitationRow, MemberRow, Shell};

/// A role that members of staff may have.
#[derive(Clone, Copy, Debug)]
pub struct StaffRoleOption {
    /// Its slug.
    pub slug: &'static str,
    /// What people read.
    pub name: &'static str,
    /// What it allows, in a sentence.
    pub text: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// Who may use the dashboard.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/staff.html")]
pub struct Staff<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Who is staff.
    pub members: &'a [MemberRow],
    /// Who was asked in and has not come yet.
    pub invitations: &'a [InvitationRow],
    /// The roles that the reader may give.
    pub roles: &'a [StaffRoleOption],
    /// What was typed as the address to invite.
    pub email: &'a str,
    /// Whether an invitation reaches anybody.
    pub sends_mail: bool,
    /// The link that was just made, with the role that it gives; shown this once.
    pub fresh: Option<(&'a str, &'a str)>,
}

/// One member of staff.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/staff_member.html")]
pub struct StaffMember<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Their page.
    pub href: &'a str,
    /// Their address.
    pub email: &'a str,
    /// Their name; empty when it is not known.
    pub name: &'a str,
    /// What they are, in words.
    pub role: &'a str,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// Since when.
    pub since: &'a str,
    /// When they last signed in, in words.
    pub last_sign_in: &'a str,
    /// Since when a second factor is asked for, in words; `None` when they have none.
    pub second_factor: Option<&'a str>,
    /// Whether it is the reader.
    pub is_you: bool,
    /// Whether the reader may change what they are.
    pub may_change: bool,
    /// The roles that the reader may give, theirs chosen.
    pub roles: &'a [StaffRoleOption],
}
