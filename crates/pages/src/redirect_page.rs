use askama::Template;

use crate::Frame;

/// Redirects the browser without user action, with a link as a fallback.
///
/// The response to a form may redirect only to our own origin: browsers check every redirect after a form submission
/// against the Content Security Policy of the form's page, including redirects that an application makes after ours.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "going_on.html")]
pub struct RedirectPage<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The target URL.
    pub to: &'a str,
}
