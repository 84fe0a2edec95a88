use askama::Template;

use super::Shell;

/// The page for something that cannot be shown or may not be done.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/refused.html")]
pub struct Refused<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// A short title.
    pub title: &'a str,
    /// What happened, and what to do.
    pub text: &'a str,
    /// The ID that support can find it by.
    pub request_id: Option<&'a str>,
}
