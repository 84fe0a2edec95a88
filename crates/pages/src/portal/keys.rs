use askama::Template;

use super::{Pager, Shell};

/// An API key of the organization.
#[derive(Clone, Debug)]
pub struct Key {
    /// The value of the field `api_key_id`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Enough of its value to recognize it.
    pub obfuscated: String,
    /// Its permissions, in words.
    pub access: Vec<String>,
    /// When it was created, in words.
    pub created: String,
    /// Its creator, in words.
    pub by: String,
    /// When it was last used, in words.
    pub used: String,
    /// When it expires, in words; empty for never.
    pub expires: String,
    /// Whether it has expired.
    pub expired: bool,
}

/// The API keys of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/keys.html")]
pub struct Keys<'a> {
    /// The page shell.
    pub shell: &'a Shell<'a>,
    /// The keys.
    pub keys: &'a [Key],
    /// The value of the newly created key; shown only once.
    pub fresh: Option<&'a str>,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}
