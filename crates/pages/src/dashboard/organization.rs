use askama::Template;

use super::Shell;

/// A domain of an organization.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its ID.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// `pending`, `verified` or `failed`.
    pub state: &'static str,
    /// The value of the TXT record that verifies it.
    pub record: String,
}

/// An organization's page: settings and domains.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization.html")]
pub struct Organization<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of its page.
    pub href: &'a str,
    /// The current tab.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// Its ID.
    pub id: &'a str,
    /// When it was created, in words.
    pub created: &'a str,
    /// Its name, as the form shows it.
    pub name: &'a str,
    /// The company's own ID for it, as the form shows it.
    pub external_id: &'a str,
    /// Its metadata, as the form shows it.
    pub metadata: &'a str,
    /// Its domains, verified or not.
    pub domains: &'a [Domain],
    /// The typed domain to add.
    pub typed_domain: &'a str,
}

/// A role or permission that can be ticked.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Its slug.
    pub slug: String,
    /// Its display name.
    pub name: String,
    /// Whether it is ticked.
    pub chosen: bool,
}
