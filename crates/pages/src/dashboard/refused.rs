use askama::Template;

use super::Shell;

/// A page of the dashboard that cannot be shown, or something that may not be done.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/refused.html")]
pub struct Refused<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// In a few words.
    pub title: &'a str,
    /// What happened, and what to do.
    pub text: &'a str,
    /// What support can find it by.
    pub request_id: Option<&'a str>,
}
