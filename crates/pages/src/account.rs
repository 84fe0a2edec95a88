use askama::Template;

use crate::{Form, Frame, Logo};

/// The person's own account.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// "Sign out everywhere": posts nothing but what every form has.
    pub form: Form<'a>,
    /// The whole name; may be empty.
    pub name: &'a str,
    /// The email address.
    pub email: &'a str,
    /// The link "change password", where there are passwords here.
    pub change_password: Option<&'a str>,
    /// What is there of a second factor, where this server asks for one.
    pub second_factor: Option<TwoSteps<'a>>,
    /// Where the person is signed in.
    pub sessions: &'a [Session<'a>],
    /// Where "sign out" of one session is posted to, with `session_id`.
    pub revoke_session_action: &'a str,
    /// What has access to the account.
    pub applications: &'a [ConnectedApplication<'a>],
    /// Where "remove access" is posted to, with `authorized_application_id`.
    pub revoke_application_action: &'a str,
}

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug)]
pub struct TwoSteps<'a> {
    /// Since when, in words; `None` when there is none.
    pub since: Option<&'a str>,
    /// The page on which it is set up, or goes away.
    pub href: &'a str,
}

/// A browser that is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The value of the field `session_id`.
    pub id: &'a str,
    /// Browser and system in words.
    pub device: &'a str,
    /// The address it was last seen at.
    pub address: &'a str,
    /// When that was, in words.
    pub last_seen: &'a str,
    /// Whether it is the one that looks at this page.
    pub current: bool,
}

/// An application that was allowed something.
#[derive(Clone, Copy, Debug)]
pub struct ConnectedApplication<'a> {
    /// The value of the field `authorized_application_id`.
    pub id: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Its logo; may be empty.
    pub logo: &'a Logo,
    /// The organization it was allowed for.
    pub organization: Option<&'a str>,
    /// What it was allowed, in words.
    pub access: &'a [&'a str],
    /// Since when, in words.
    pub since: &'a str,
}
