use askama::Template;

use super::{InvitationRow, MemberRow, Shell};

/// A role for members of staff.
#[derive(Clone, Copy, Debug)]
pub struct StaffRoleOption {
    /// Its slug.
    pub slug: &'static str,
    /// Its display name.
    pub name: &'static str,
    /// A sentence about what it allows.
    pub text: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The members of staff and open invitations.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/staff.html")]
pub struct Staff<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The members.
    pub members: &'a [MemberRow],
    /// The open invitations.
    pub invitations: &'a [InvitationRow],
    /// The roles that the reader may assign.
    pub roles: &'a [StaffRoleOption],
    /// The typed address to invite.
    pub email: &'a str,
    /// Whether the email of an invitation reaches its recipient.
    pub sends_mail: bool,
    /// The newly created link and the role that it grants; shown only once.
    pub fresh: Option<(&'a str, &'a str)>,
}

/// A member of staff.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/staff_member.html")]
pub struct StaffMember<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of their page.
    pub href: &'a str,
    /// Their email address.
    pub email: &'a str,
    /// Their name; empty if unknown.
    pub name: &'a str,
    /// The name of their role.
    pub role: &'a str,
    /// `active`, `inactive` or `pending`.
    pub status: &'static str,
    /// When they became a member, in words.
    pub since: &'a str,
    /// When they last signed in, in words.
    pub last_sign_in: &'a str,
    /// When the second factor was set up, in words; `None` if there is none.
    pub second_factor: Option<&'a str>,
    /// Whether this is the reader.
    pub is_you: bool,
    /// Whether the reader may change their role.
    pub may_change: bool,
    /// The roles that the reader may assign, with the current one chosen.
    pub roles: &'a [StaffRoleOption],
}
