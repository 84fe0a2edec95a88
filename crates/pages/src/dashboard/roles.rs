use askama::Template;

use super::{Pager, Shell, Tick};

/// One role of the list.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// Its page.
    pub href: String,
    /// What people read.
    pub name: String,
    /// Its name for programs.
    pub slug: String,
    /// What people read when they want to know more.
    pub description: String,
    /// How many permissions it gives.
    pub permissions: usize,
    /// Whether it is the highest.
    pub first: bool,
    /// Whether it is the lowest.
    pub last: bool,
    /// Whether everybody has it of whom nothing else is said.
    pub is_default: bool,
}

/// The roles of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/roles.html")]
pub struct Roles<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [RoleRow],
}

/// One role, or one that is being made.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/role.html")]
pub struct Role<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Where the form goes.
    pub href: &'a str,
    /// What it is called; empty for one that is being made.
    pub title: &'a str,
    /// Its name for programs.
    pub slug: &'a str,
    /// What people read, as the form has it.
    pub name: &'a str,
    /// The same when they want to know more.
    pub description: &'a str,
    /// Whether everybody has it of whom nothing else is said.
    pub is_default: bool,
    /// The permissions that there are, the role's own ticked.
    pub permissions: &'a [Tick],
}

/// One permission of the list.
#[derive(Clone, Debug)]
pub struct PermissionRow {
    /// Its page.
    pub href: String,
    /// What people read.
    pub name: String,
    /// The scope.
    pub slug: String,
    /// What people read when they want to know more.
    pub description: String,
}

/// The permissions of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/permissions.html")]
pub struct Permissions<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [PermissionRow],
    /// Where to go from here.
    pub pager: &'a Pager,
}

/// One permission, or one that is being made.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/permission.html")]
pub struct Permission<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Where the form goes.
    pub href: &'a str,
    /// What it is called; empty for one that is being made.
    pub title: &'a str,
    /// The scope.
    pub slug: &'a str,
    /// What people read, as the form has it.
    pub name: &'a str,
    /// The same when they want to know more.
    pub description: &'a str,
    /// Whether it is one of ours, which stays.
    pub system: bool,
    /// The name on consent pages now.
    pub shown_name: &'a str,
    /// The description on consent pages now.
    pub shown_description: &'a str,
}
