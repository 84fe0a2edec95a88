use askama::Template;

use super::{Pager, Shell};

/// An API key of the organization.
#[derive(Clone, Debug)]
pub struct Key {
    /// The value of the field `api_key_id`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Enough of its value to recognise it by.
    pub obfuscated: String,
    /// What it may do, in words.
    pub access: Vec<String>,
    /// Since when.
    pub created: String,
    /// Who has made it, in words.
    pub by: String,
    /// When it was last used, in words.
    pub used: String,
    /// When it stops working, in words; empty for never.
    pub expires: String,
    /// Whether it has stopped working.
    pub expired: bool,
}

/// The API keys of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/keys.html")]
pub struct Keys<'a> {
    /// What it stands in.
    pub shell: &'a Shell<'a>,
    /// Them.
    pub keys: &'a [Key],
    /// The value of the key that was just made; shown this once.
    pub fresh: Option<&'a str>,
    /// Where to go from here.
    pub pager: &'a Pager,
}
