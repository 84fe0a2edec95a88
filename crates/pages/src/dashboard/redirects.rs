use askama::Template;

use super::Shell;

/// A redirect URI.
#[derive(Clone, Debug)]
pub struct RedirectRow {
    /// Its ID.
    pub id: String,
    /// The URI.
    pub uri: String,
    /// Whether it is the default.
    pub default: bool,
    /// Whether it has a wildcard, and so cannot be the default.
    pub wildcard: bool,
    /// When it was created, in words.
    pub created: String,
}

/// The redirect URIs for one purpose.
#[derive(Clone, Debug)]
pub struct RedirectList {
    /// The value that is posted.
    pub purpose: &'static str,
    /// The title.
    pub title: &'static str,
    /// The explanation of its purpose.
    pub text: &'static str,
    /// The text for an empty list.
    pub nothing: &'static str,
    /// An example.
    pub example: &'static str,
    /// The URIs, the default first.
    pub rows: Vec<RedirectRow>,
    /// The typed URI that was refused.
    pub typed: String,
}

/// A website whose pages may call the environment's own endpoints.
#[derive(Clone, Debug)]
pub struct OriginRow {
    /// Its ID.
    pub id: String,
    /// The origin.
    pub origin: String,
    /// When it was created, in words.
    pub created: String,
}

/// The redirect URIs of the environment's own application, and the origins from which browsers may call.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/redirects.html")]
pub struct Redirects<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The lists for sign-in and for sign-out.
    pub lists: &'a [RedirectList],
    /// The allowed origins.
    pub origins: &'a [OriginRow],
    /// The typed origin that was refused.
    pub typed_origin: &'a str,
}
