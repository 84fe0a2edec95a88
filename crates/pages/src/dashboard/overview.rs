use askama::Template;

use super::Shell;

/// A fact about the environment: a label and a value to copy.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its label.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

/// A step toward the first sign-in.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do.
    pub title: &'static str,
    /// The reason, in a sentence.
    pub text: &'static str,
    /// The link to where it is done.
    pub href: String,
    /// Whether it is done.
    pub done: bool,
}

/// The first page of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/overview.html")]
pub struct Overview<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// Facts that integrations need.
    pub facts: &'a [Fact],
    /// The setup steps.
    pub steps: &'a [Step],
}
