use askama::Template;

use super::{Shell, Tick};

/// What administrators of organizations may do on their own page.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/own_page.html")]
pub struct OwnPage<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Where that page is.
    pub address: &'a str,
    /// The permission that opens credentials to a member.
    pub opens_credentials: &'static str,
    /// The one that opens domains.
    pub opens_domains: &'static str,
    /// `see`, `revoke` or `create`.
    pub credentials: &'static str,
    /// The permissions that there are, those that they may give ticked.
    pub permissions: &'a [Tick],
}
