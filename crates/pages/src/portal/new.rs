use askama::Template;

use super::Shell;

/// Something that can be allowed.
#[derive(Clone, Debug)]
pub struct AccessOption {
    /// Its slug: the field is `scope_` and this.
    pub slug: String,
    /// In a few words.
    pub name: String,
    /// In a sentence; may be empty.
    pub description: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// Making an application or an API key. Posts `name` and a field for everything that is allowed.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/new.html")]
pub struct New<'a> {
    /// What it stands in.
    pub shell: &'a Shell<'a>,
    /// Whether it is a key, and no application.
    pub key: bool,
    /// Where it is posted to.
    pub action: &'a str,
    /// The list it belongs to.
    pub list: &'a str,
    /// The name as it was typed.
    pub name: &'a str,
    /// What can be allowed.
    pub access: &'a [AccessOption],
}
