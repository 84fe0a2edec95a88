use askama::Template;

use super::Shell;

/// A selectable organization.
#[derive(Clone, Debug)]
pub struct OrganizationOption {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A permission that can be granted as a scope.
#[derive(Clone, Debug)]
pub struct ScopeOption {
    /// Its slug.
    pub slug: String,
    /// Its display name.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The creation of an application.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_application.html")]
pub struct NewApplication<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The typed name.
    pub name: &'a str,
    /// The typed description.
    pub description: &'a str,
    /// `machine`, `server` or `public`.
    pub kind: &'a str,
    /// `first` or `third`.
    pub trust: &'a str,
    /// The chosen organization.
    pub organization_id: &'a str,
    /// The typed redirect URIs.
    pub redirect_uris: &'a str,
    /// Organizations to choose from; others can be given by ID.
    pub organizations: &'a [OrganizationOption],
    /// Permissions to choose from.
    pub scopes: &'a [ScopeOption],
}
