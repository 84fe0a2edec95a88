use askama::Template;

use super::Shell;

/// An API key of the management API.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    /// When it was created, in words.
    pub created: String,
    /// When it was last used, in words.
    pub used: String,
}

/// The environment's API keys of the management API.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/api_keys.html")]
pub struct ApiKeys<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [ApiKeyRow],
    /// The value of the newly created key; shown only once.
    pub fresh: Option<&'a str>,
    /// The typed name.
    pub name: &'a str,
    /// The URL of the API.
    pub api: &'a str,
}

/// A signing key.
#[derive(Clone, Debug)]
pub struct SigningKeyRow {
    /// Its ID.
    pub id: String,
    /// Its algorithm.
    pub algorithm: String,
    /// `pending`, `active` or `retiring`.
    pub state: &'static str,
    /// An explanation of the state.
    pub meaning: String,
    /// When it was created, in words.
    pub created: String,
}

/// The signing keys for one purpose.
#[derive(Clone, Debug)]
pub struct KeysOfPurpose {
    /// `direct` or `delegated`.
    pub purpose: &'static str,
    /// The title.
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
    /// The page shell.
    pub shell: &'a Shell,
    /// The keys, grouped by purpose.
    pub purposes: &'a [KeysOfPurpose],
    /// The algorithm of new keys.
    pub algorithm: &'a str,
}
