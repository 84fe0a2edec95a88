//! The sites of `countersign demo`: a start page, a partner's application, a forum. They are not part of Countersign
//! and do not look like it.

use askama::Template;

/// Their common stylesheet.
pub const STYLESHEET: &str = include_str!("../../assets/demo.css");

/// The page that walks through the demo.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/start.html")]
pub struct Start<'a> {
    /// Countersign's URL.
    pub countersign: &'a str,
    /// The URL of the partner's application.
    pub partner: &'a str,
    /// The URL of the forum.
    pub forum: &'a str,
    /// The URL of the user's account page.
    pub account: &'a str,
    /// The URL of the dashboard, for its first owner.
    pub dashboard_first: &'a str,
    /// The URL of the dashboard.
    pub dashboard: &'a str,
    /// The URL of the machine's page in the dashboard.
    pub machine: &'a str,
    /// The email address to sign in with.
    pub email: &'a str,
    /// The password to sign in with.
    pub password: &'a str,
}

/// The machine's recent API calls; the page refreshes itself.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/machine.html")]
pub struct MachineCalls<'a> {
    /// The time, whether the call succeeded, and the response.
    pub calls: &'a [(&'a str, bool, &'a str)],
}

/// The user signed in to an application.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their email address.
    pub email: &'a str,
    /// The claims of the ID token, as JSON.
    pub claims: &'a str,
}

/// The partner's application, or the forum.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/application.html")]
pub struct Application<'a> {
    /// Whether this is the partner's application.
    pub partner: bool,
    /// The URL of the start page.
    pub start: &'a str,
    /// The URL of the user's account page.
    pub account: &'a str,
    /// The signed-in user.
    pub person: Option<Person<'a>>,
    /// The response of the company's API.
    pub reports: Option<&'a str>,
    /// What went wrong.
    pub problem: Option<&'a str>,
}
