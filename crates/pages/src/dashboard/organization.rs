use askama::Template;

use super::Shell;

/// A domain of an organization.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its identifier.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// `pending`, `verified` or `failed`.
    pub state: &'static str,
    /// The value of the TXT record that proves it.
    pub record: String,
}

/// One organization: what it is.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organization.html")]
pub struct Organization<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Its page.
    pub href: &'a str,
    /// Which of its pages this is.
    pub tab: &'static str,
    /// Its name.
    pub title: &'a str,
    /// Its identifier.
    pub id: &'a str,
    /// Since when.
    pub created: &'a str,
    /// Its name, as the form has it.
    pub name: &'a str,
    /// The company's own identifier for it, as the form has it.
    pub external_id: &'a str,
    /// Its metadata, as the form has it.
    pub metadata: &'a str,
    /// The domains that it claims.
    pub domains: &'a [Domain],
    /// What was typed as another one.
    pub typed_domain: &'a str,
}

/// Something that can be ticked: a role or a permission.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Its slug.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// Whether it is ticked.
    pub chosen: bool,
}
