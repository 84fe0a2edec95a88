use askama::Template;

use super::{Pager, Shell};

/// One application of the list.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its client id.
    pub client_id: String,
    /// What kind it is, in words.
    pub kind: &'static str,
    /// Whose it is, in words.
    pub owner: String,
    /// Since when.
    pub created: String,
}

/// The applications of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/applications.html")]
pub struct Applications<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [ApplicationRow],
    /// Whether those are shown that nobody registered by hand.
    pub registered: bool,
    /// Where to go from here.
    pub pager: &'a Pager,
}
