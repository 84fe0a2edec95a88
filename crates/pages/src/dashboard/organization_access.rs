use askama::Template;

use super::{Pager, Shell, Tick};

/// An application of an organization, with its credentials.
#[derive(Clone, Debug)]
pub struct MachineRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What kind it is, in words.
    pub kind: &'static str,
    /// Its credentials: the last characters, and when it was last used, in words.
    pub secrets: Vec<(String, String)>,
}

/// A key that a customer uses against the company's own API.
#[derive(Clone, Debug)]
pub struct CustomerKeyRow {
    /// Its identifier.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it was last used, in words.
    pub used: String,
    /// Until when it works, in words.
    pub until: String,
    /// Whether it works no more.
    pub expired: bool,
}

/// An application that somebody has let in on behalf of an organization.
#[derive(Clone, Debug)]
pub struct ConnectedRow {
    /// The application's identifier.
    pub application_id: String,
    /// The application's page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// The other side: a person with their page, or an organization with its page; empty for none.
    pub with: String,
    /// Their page.
    pub with_href: String,
    /// The scopes that were agreed to.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: String,
}

/// One organization: what programs may do for it.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization_access.html")]
pub struct OrganizationAccess<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Its page.
    pub href: &'a str,
    /// Which of its pages this is.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// Where an application of it is made.
    pub new_application: &'a str,
    /// Its applications.
    pub machines: &'a [MachineRow],
    /// Where to go from those.
    pub machines_pager: &'a Pager,
    /// Its API keys.
    pub keys: &'a [CustomerKeyRow],
    /// Where to go from those.
    pub keys_pager: &'a Pager,
    /// The value of the key that was just made; shown this once.
    pub fresh: Option<&'a str>,
    /// What was typed as the name of a key.
    pub key_name: &'a str,
    /// The permissions that there are.
    pub permissions: &'a [Tick],
    /// Applications that people have let in on its behalf.
    pub connected: &'a [ConnectedRow],
    /// Where to go from those.
    pub connected_pager: &'a Pager,
}
