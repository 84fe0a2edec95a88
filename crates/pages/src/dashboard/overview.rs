use askama::Template;

use super::Shell;

/// A fact about the environment that others need: a label, a value to copy.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

/// A step on the way to a first sign-in.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do.
    pub title: &'static str,
    /// Why, in a sentence.
    pub text: &'static str,
    /// Where.
    pub href: String,
    /// Whether it is done.
    pub done: bool,
}

/// The first page of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/overview.html")]
pub struct Overview<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What others need to know.
    pub facts: &'a [Fact],
    /// What is still to do.
    pub steps: &'a [Step],
}
