use askama::Template;

use super::Shell;

/// A key of the management API.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    /// Its identifier.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// Since when.
    pub created: String,
    /// When it was last used, in words.
    pub used: String,
}

/// The keys of the management API of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/api_keys.html")]
pub struct ApiKeys<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [ApiKeyRow],
    /// The value of the key that was just made; shown this once.
    pub fresh: Option<&'a str>,
    /// What was typed as name.
    pub name: &'a str,
    /// Where the API is.
    pub api: &'a str,
}

/// A signing key.
#[derive(Clone, Debug)]
pub struct SigningKeyRow {
    /// Its identifier.
    pub id: String,
    /// What it signs with.
    pub algorithm: String,
    /// `pending`, `active` or `retiring`.
    pub state: &'static str,
    /// What that means, in words.
    pub meaning: String,
    /// Since when.
    pub created: String,
}

/// The signing keys of a purpose.
#[derive(Clone, Debug)]
pub struct KeysOfPurpose {
    /// `direct` or `delegated`.
    pub purpose: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Which tokens they sign.
    pub text: &'static str,
    /// The keys.
    pub keys: Vec<SigningKeyRow>,
}

/// The signing keys of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/signing_keys.html")]
pub struct SigningKeys<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// The keys, by purpose.
    pub purposes: &'a [KeysOfPurpose],
    /// The algorithm of new keys.
    pub algorithm: &'a str,
}
