use askama::Template;

use super::{Pager, Shell};

/// An application in the list.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// The URL of its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its client ID.
    pub client_id: String,
    /// Its kind, in words.
    pub kind: &'static str,
    /// Its owner, in words.
    pub owner: String,
    /// When it was created, in words.
    pub created: String,
}

/// The applications of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/applications.html")]
pub struct Applications<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [ApplicationRow],
    /// Whether the list shows clients that registered themselves.
    pub registered: bool,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}
