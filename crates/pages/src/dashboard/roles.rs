use askama::Template;

use super::{Pager, Shell, Tick};

/// A role in the list.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// The URL of its page.
    pub href: String,
    /// Its display name.
    pub name: String,
    /// Its identifier in the API.
    pub slug: String,
    /// Its description.
    pub description: String,
    /// The number of permissions it grants.
    pub permissions: usize,
    /// Whether it has the highest priority.
    pub first: bool,
    /// Whether it has the lowest priority.
    pub last: bool,
    /// Whether it is the default role.
    pub is_default: bool,
}

/// The roles of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/roles.html")]
pub struct Roles<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [RoleRow],
}

/// A role's page, or the form for a new role.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/role.html")]
pub struct Role<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The path that the form posts to.
    pub href: &'a str,
    /// Its name; empty for a new role.
    pub title: &'a str,
    /// Its identifier in the API.
    pub slug: &'a str,
    /// Its display name, as the form shows it.
    pub name: &'a str,
    /// Its description, as the form shows it.
    pub description: &'a str,
    /// Whether it is the default role.
    pub is_default: bool,
    /// All permissions, with the role's own ticked.
    pub permissions: &'a [Tick],
}

/// A permission in the list.
#[derive(Clone, Debug)]
pub struct PermissionRow {
    /// The URL of its page.
    pub href: String,
    /// Its display name.
    pub name: String,
    /// Its slug, which is the scope.
    pub slug: String,
    /// Its description.
    pub description: String,
}

/// The permissions of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/permissions.html")]
pub struct Permissions<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [PermissionRow],
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}

/// A permission's page, or the form for a new permission.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/permission.html")]
pub struct Permission<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The path that the form posts to.
    pub href: &'a str,
    /// Its name; empty for a new permission.
    pub title: &'a str,
    /// Its slug, which is the scope.
    pub slug: &'a str,
    /// Its display name, as the form shows it.
    pub name: &'a str,
    /// Its description, as the form shows it.
    pub description: &'a str,
    /// Whether it is a built-in permission, which cannot be deleted.
    pub system: bool,
    /// The name currently shown on consent pages.
    pub shown_name: &'a str,
    /// The description currently shown on consent pages.
    pub shown_description: &'a str,
}
