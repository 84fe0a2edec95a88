use askama::Template;

use super::{Pager, Shell, Tick};

/// An application of an organization, with its credentials.
#[derive(Clone, Debug)]
pub struct MachineRow {
    /// The URL of its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its kind, in words.
    pub kind: &'static str,
    /// Its credentials: the last characters, and when each was last used, in words.
    pub secrets: Vec<(String, String)>,
}

/// A key that a customer uses to call the company's own API.
#[derive(Clone, Debug)]
pub struct CustomerKeyRow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// Its permissions.
    pub permissions: Vec<String>,
    /// When it was last used, in words.
    pub used: String,
    /// When it expires, in words.
    pub until: String,
    /// Whether it has expired.
    pub expired: bool,
}

/// An application that a user has authorized on behalf of an organization.
#[derive(Clone, Debug)]
pub struct ConnectedRow {
    /// The application's ID.
    pub application_id: String,
    /// The URL of the application's page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// The other party: the user or the organization; empty for none.
    pub with: String,
    /// The URL of the other party's page.
    pub with_href: String,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// When it was authorized, in words.
    pub since: String,
}

/// An organization's page: programmatic access.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization_access.html")]
pub struct OrganizationAccess<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of its page.
    pub href: &'a str,
    /// The current tab.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// The link to create an application for it.
    pub new_application: &'a str,
    /// Its applications.
    pub machines: &'a [MachineRow],
    /// Pagination of the applications.
    pub machines_pager: &'a Pager,
    /// Its API keys.
    pub keys: &'a [CustomerKeyRow],
    /// Pagination of the keys.
    pub keys_pager: &'a Pager,
    /// The value of the newly created key; shown only once.
    pub fresh: Option<&'a str>,
    /// The typed name of a key.
    pub key_name: &'a str,
    /// All permissions.
    pub permissions: &'a [Tick],
    /// Applications that users have authorized on its behalf.
    pub connected: &'a [ConnectedRow],
    /// Pagination of the authorized applications.
    pub connected_pager: &'a Pager,
}
