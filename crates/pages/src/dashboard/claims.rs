use askama::Template;

use super::Shell;

/// The claims that the environment adds to users' access tokens.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/claims.html")]
pub struct Claims<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The template, as stored or as typed.
    pub content: &'a str,
    /// The error in the template, and where it is.
    pub wrong: Option<&'a str>,
    /// The email address of the user whose claims are shown; empty for an example user.
    pub email: &'a str,
    /// What is wrong with that address.
    pub unknown: Option<&'a str>,
    /// The resulting claims.
    pub claims: Option<&'a str>,
    /// Whether they belong to an example user.
    pub example: bool,
    /// Maximum length of a template, in bytes.
    pub longest: usize,
    /// Claims that a template cannot set.
    pub reserved: &'a str,
    /// Whether there is a stored template to remove.
    pub kept: bool,
}
