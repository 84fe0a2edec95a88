use askama::Template;

use super::Shell;

/// What the environment adds to the claims of access tokens about people.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/claims.html")]
pub struct Claims<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form was drawn with, in a few letters.
    pub seen: &'a str,
    /// The template, as it is or as it was typed.
    pub content: &'a str,
    /// What is wrong with it, and where.
    pub wrong: Option<&'a str>,
    /// Whose claims are shown; empty for an example.
    pub email: &'a str,
    /// What is wrong with that.
    pub unknown: Option<&'a str>,
    /// The claims that come of it.
    pub claims: Option<&'a str>,
    /// Whether they are an example's.
    pub example: bool,
    /// Longest template, in bytes.
    pub longest: usize,
    /// Claims that are never a template's.
    pub reserved: &'a str,
    /// Whether there is a template to take away.
    pub kept: bool,
}
