//! The sites of `countersign demo`: a start page, a partner's application, a forum. They are not Countersign's and do not look
//! like it.

use askama::Template;

/// What they all look like.
pub const STYLESHEET: &str = include_str!("../../assets/demo.css");

/// The page that walks through the demo.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/start.html")]
pub struct Start<'a> {
    /// Countersign's address.
    pub countersign: &'a str,
    /// The partner's application.
    pub partner: &'a str,
    /// The forum.
    pub forum: &'a str,
    /// The person's own page.
    pub account: &'a str,
    /// The dashboard, for its first owner.
    pub dashboard_first: &'a str,
    /// The dashboard.
    pub dashboard: &'a str,
    /// The machine's page in the dashboard.
    pub machine: &'a str,
    /// Whom to sign in as.
    pub email: &'a str,
    /// With which password.
    pub password: &'a str,
}

/// What the machine has done lately; asks for itself again.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/machine.html")]
pub struct MachineCalls<'a> {
    /// When, whether it went well, and what was answered.
    pub calls: &'a [(&'a str, bool, &'a str)],
}

/// Who is signed in to an application.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// What the ID token says, as JSON.
    pub claims: &'a str,
}

/// The partner's application, or the forum.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "demo/application.html")]
pub struct Application<'a> {
    /// Whether it is the partner's.
    pub partner: bool,
    /// The start page.
    pub start: &'a str,
    /// The person's own page.
    pub account: &'a str,
    /// Who is signed in.
    pub person: Option<Person<'a>>,
    /// What the company's API has answered.
    pub reports: Option<&'a str>,
    /// What went wrong.
    pub problem: Option<&'a str>,
}
