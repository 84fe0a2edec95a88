use askama::Template;

use super::Shell;

/// An organization that can be chosen.
#[derive(Clone, Debug)]
pub struct OrganizationOption {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A permission that can be given as scope.
#[derive(Clone, Debug)]
pub struct ScopeOption {
    /// Its slug.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// Making an application.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_application.html")]
pub struct NewApplication<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What was typed as name.
    pub name: &'a str,
    /// What was typed as description.
    pub description: &'a str,
    /// `machine`, `server` or `public`.
    pub kind: &'a str,
    /// `first` or `third`.
    pub trust: &'a str,
    /// The organization that was chosen.
    pub organization_id: &'a str,
    /// What was typed as redirect URIs.
    pub redirect_uris: &'a str,
    /// Organizations to choose from; others by their identifier.
    pub organizations: &'a [OrganizationOption],
    /// Permissions to choose from.
    pub scopes: &'a [ScopeOption],
}
