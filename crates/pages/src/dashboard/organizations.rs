use askama::Template;

use super::{Pager, Shell};

/// An organization in the list.
#[derive(Clone, Debug)]
pub struct OrganizationRow {
    /// The URL of its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its ID.
    pub id: String,
    /// Its domains, each with whether it is verified.
    pub domains: Vec<(String, bool)>,
    /// When it was created, in words.
    pub created: String,
}

/// The organizations of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organizations.html")]
pub struct Organizations<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [OrganizationRow],
    /// The search text.
    pub search: &'a str,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}

/// The creation of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_organization.html")]
pub struct NewOrganization<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The typed name.
    pub name: &'a str,
    /// The typed ID of the company's own for it.
    pub external_id: &'a str,
    /// The typed domains, one per line.
    pub domains: &'a str,
}
