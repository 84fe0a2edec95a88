use askama::Template;

use crate::{Form, Frame, Logo};

/// The user's own account page.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// "Sign out everywhere": posts only what every form has.
    pub form: Form<'a>,
    /// The full name; may be empty.
    pub name: &'a str,
    /// The email address.
    pub email: &'a str,
    /// The link "change password", if passwords are enabled here.
    pub change_password: Option<&'a str>,
    /// The state of the second factor, if this server uses one.
    pub second_factor: Option<TwoSteps<'a>>,
    /// The user's sessions.
    pub sessions: &'a [Session<'a>],
    /// Where "sign out" of one session posts `session_id` to.
    pub revoke_session_action: &'a str,
    /// The applications with access to the account.
    pub applications: &'a [ConnectedApplication<'a>],
    /// Where "remove access" posts `authorized_application_id` to.
    pub revoke_application_action: &'a str,
}

/// The state of the second factor.
#[derive(Clone, Copy, Debug)]
pub struct TwoSteps<'a> {
    /// When it was set up, in words; `None` if there is none.
    pub since: Option<&'a str>,
    /// The page where it is set up or removed.
    pub href: &'a str,
}

/// A signed-in browser.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The value of the field `session_id`.
    pub id: &'a str,
    /// The browser and operating system, in words.
    pub device: &'a str,
    /// The IP address it was last seen at.
    pub address: &'a str,
    /// When it was last seen, in words.
    pub last_seen: &'a str,
    /// Whether it is the browser showing this page.
    pub current: bool,
}

/// An application that was granted access.
#[derive(Clone, Copy, Debug)]
pub struct ConnectedApplication<'a> {
    /// The value of the field `authorized_application_id`.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its logo; may be empty.
    pub logo: &'a Logo,
    /// The organization that access was granted for.
    pub organization: Option<&'a str>,
    /// The granted access, in words.
    pub access: &'a [&'a str],
    /// When access was granted, in words.
    pub since: &'a str,
}
