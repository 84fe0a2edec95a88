use askama::Template;

use crate::Frame;

/// Sends the browser on by itself, with a link for the case that it does not.
///
/// The answer to a form redirects to nowhere but our own origin: browsers hold every redirect behind a form against the
/// policy of the page that had it, also those that an application makes after us.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "going_on.html")]
pub struct RedirectPage<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// Where to.
    pub to: &'a str,
}
