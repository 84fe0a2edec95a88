use askama::Template;

use super::{ConnectedRow, MemberRow, Pager, Shell};

/// A user in the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The URL of their page.
    pub href: String,
    /// Their email address.
    pub email: String,
    /// Whether the address is verified.
    pub verified: bool,
    /// Their name; empty if unknown.
    pub name: String,
    /// When they last signed in, in words.
    pub last_sign_in: String,
    /// When the account was created, in words.
    pub created: String,
}

/// The users of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/users.html")]
pub struct Users<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [UserRow],
    /// The searched prefix of email addresses.
    pub search: &'a str,
    /// Whether there are more matches than are shown.
    pub more: bool,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}

/// The creation of an account.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_user.html")]
pub struct NewUser<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The typed email address.
    pub email: &'a str,
    /// Whether the address is to be marked as verified.
    pub verified: bool,
    /// The typed given name.
    pub first_name: &'a str,
    /// The typed family name.
    pub last_name: &'a str,
    /// Whether passwords are enabled here.
    pub passwords: bool,
}

/// A user's session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its ID.
    pub id: String,
    /// The browser, in words.
    pub device: String,
    /// The IP address.
    pub address: String,
    /// How the user signed in.
    pub method: String,
    /// When it was last active, in words.
    pub last_seen: String,
}

/// A user's page.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/user.html")]
pub struct User<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of their page.
    pub href: &'a str,
    /// Their name, or else their email address.
    pub title: &'a str,
    /// Their ID.
    pub id: &'a str,
    /// When the account was created, in words.
    pub created: &'a str,
    /// When they last signed in, in words.
    pub last_sign_in: &'a str,
    /// Whether they have a password.
    pub has_password: bool,
    /// When the second factor was set up, in words; `None` if there is none.
    pub second_factor: Option<&'a str>,
    /// Whether passwords are enabled here.
    pub passwords: bool,
    /// Whether the address is verified.
    pub proven: bool,
    /// The email address, as the form shows it.
    pub email: &'a str,
    /// Whether the form shows the address as verified.
    pub verified: bool,
    /// The given name, as the form shows it.
    pub first_name: &'a str,
    /// The family name, as the form shows it.
    pub last_name: &'a str,
    /// The company's own ID for the user, as the form shows it.
    pub external_id: &'a str,
    /// The metadata, as the form shows it.
    pub metadata: &'a str,
    /// Their memberships; `email` holds the organization's name.
    pub memberships: &'a [MemberRow],
    /// Pagination of the memberships.
    pub memberships_pager: &'a Pager,
    /// Their sessions.
    pub sessions: &'a [SessionRow],
    /// Pagination of the sessions.
    pub sessions_pager: &'a Pager,
    /// The applications that they have authorized.
    pub connected: &'a [ConnectedRow],
    /// Pagination of the authorized applications.
    pub connected_pager: &'a Pager,
}
