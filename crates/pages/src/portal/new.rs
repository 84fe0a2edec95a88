use askama::Template;

use super::Shell;

/// A permission that can be granted.
#[derive(Clone, Debug)]
pub struct AccessOption {
    /// Its slug; the form field is `scope_` followed by the slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// A sentence of description; may be empty.
    pub description: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// The creation of an application or an API key. Posts `name` and a field for every granted permission.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/new.html")]
pub struct New<'a> {
    /// The page shell.
    pub shell: &'a Shell<'a>,
    /// Whether an API key is created, rather than an application.
    pub key: bool,
    /// The path that the form posts to.
    pub action: &'a str,
    /// The path of the list that it is added to.
    pub list: &'a str,
    /// The typed name.
    pub name: &'a str,
    /// The permissions offered.
    pub access: &'a [AccessOption],
}
