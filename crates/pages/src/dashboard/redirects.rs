use askama::Template;

use super::Shell;

/// An address that people may be sent to.
#[derive(Clone, Debug)]
pub struct RedirectRow {
    /// Its identifier.
    pub id: String,
    /// The address.
    pub uri: String,
    /// Whether it is taken where none is asked for.
    pub default: bool,
    /// Whether it stands for many, and can be no default.
    pub wildcard: bool,
    /// Since when.
    pub created: String,
}

/// The addresses for one purpose.
#[derive(Clone, Debug)]
pub struct RedirectList {
    /// The word that is posted.
    pub purpose: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What it is for, and when one wants it.
    pub text: &'static str,
    /// What is said where there is none.
    pub nothing: &'static str,
    /// What one looks like.
    pub example: &'static str,
    /// Them, the default first.
    pub rows: Vec<RedirectRow>,
    /// What was typed and not taken.
    pub typed: String,
}

/// A website whose pages may call the environment's own endpoints.
#[derive(Clone, Debug)]
pub struct OriginRow {
    /// Its identifier.
    pub id: String,
    /// The origin.
    pub origin: String,
    /// Since when.
    pub created: String,
}

/// Where the environment's own application may have people sent, and from where browsers may call.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/redirects.html")]
pub struct Redirects<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// After signing in, and after signing out.
    pub lists: &'a [RedirectList],
    /// Whose pages may call.
    pub origins: &'a [OriginRow],
    /// What was typed as origin and not taken.
    pub typed_origin: &'a str,
}
