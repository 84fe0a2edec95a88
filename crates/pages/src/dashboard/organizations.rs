use askama::Template;

use super::{Pager, Shell};

/// One organization of the list.
#[derive(Clone, Debug)]
pub struct OrganizationRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its identifier.
    pub id: String,
    /// The domains that it claims, each with whether it is proven.
    pub domains: Vec<(String, bool)>,
    /// Since when.
    pub created: String,
}

/// The organizations of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/organizations.html")]
pub struct Organizations<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [OrganizationRow],
    /// What was searched for.
    pub search: &'a str,
    /// Where to go from here.
    pub pager: &'a Pager,
}

/// Making an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_organization.html")]
pub struct NewOrganization<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What was typed as name.
    pub name: &'a str,
    /// What was typed as the company's own identifier.
    pub external_id: &'a str,
    /// What was typed as domains, one per line.
    pub domains: &'a str,
}
