use askama::Template;

use super::{ConnectedRow, MemberRow, Pager, Shell};

/// One person of the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Their page.
    pub href: String,
    /// Their address.
    pub email: String,
    /// Whether it is known to be theirs.
    pub verified: bool,
    /// Their name; empty when it is not known.
    pub name: String,
    /// When they last signed in, in words.
    pub last_sign_in: String,
    /// Since when.
    pub created: String,
}

/// The people of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/users.html")]
pub struct Users<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Who is shown.
    pub rows: &'a [UserRow],
    /// The beginning of addresses that was searched for.
    pub search: &'a str,
    /// Whether there are more of those than are shown.
    pub more: bool,
    /// Where to go from here.
    pub pager: &'a Pager,
}

/// Making an account.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_user.html")]
pub struct NewUser<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What was typed as address.
    pub email: &'a str,
    /// Whether the address is to count as theirs.
    pub verified: bool,
    /// What was typed as given name.
    pub first_name: &'a str,
    /// What was typed as family name.
    pub last_name: &'a str,
    /// Whether passwords count here.
    pub passwords: bool,
}

/// A session of somebody.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its identifier.
    pub id: String,
    /// The browser, in words.
    pub device: String,
    /// The address.
    pub address: String,
    /// How they signed in.
    pub method: String,
    /// When it was last used.
    pub last_seen: String,
}

/// One person.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/user.html")]
pub struct User<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Their page.
    pub href: &'a str,
    /// What they are called.
    pub title: &'a str,
    /// Their identifier.
    pub id: &'a str,
    /// Since when.
    pub created: &'a str,
    /// When they last signed in, in words.
    pub last_sign_in: &'a str,
    /// Whether they have a password.
    pub has_password: bool,
    /// Since when a second factor is asked for, in words; `None` when they have none.
    pub second_factor: Option<&'a str>,
    /// Whether passwords count here.
    pub passwords: bool,
    /// Whether the address is known to be theirs.
    pub proven: bool,
    /// The address, as the form has it.
    pub email: &'a str,
    /// Whether the form has the address as theirs.
    pub verified: bool,
    /// Given name, as the form has it.
    pub first_name: &'a str,
    /// Family name, as the form has it.
    pub last_name: &'a str,
    /// The company's own identifier, as the form has it.
    pub external_id: &'a str,
    /// Metadata, as the form has it.
    pub metadata: &'a str,
    /// What they belong to; `email` is the organization's name.
    pub memberships: &'a [MemberRow],
    /// Where to go from those.
    pub memberships_pager: &'a Pager,
    /// Where they are signed in.
    pub sessions: &'a [SessionRow],
    /// Where to go from those.
    pub sessions_pager: &'a Pager,
    /// What they have let in.
    pub connected: &'a [ConnectedRow],
    /// Where to go from those.
    pub connected_pager: &'a Pager,
}
