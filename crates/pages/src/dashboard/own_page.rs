use askama::Template;

use super::{Shell, Tick};

/// What organizations' administrators may do on their own page.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/own_page.html")]
pub struct OwnPage<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of that page.
    pub address: &'a str,
    /// The permission that gives a member access to credentials.
    pub opens_credentials: &'static str,
    /// The permission that gives a member access to domains.
    pub opens_domains: &'static str,
    /// `see`, `revoke` or `create`.
    pub credentials: &'static str,
    /// All permissions, with those that administrators may grant ticked.
    pub permissions: &'a [Tick],
}
