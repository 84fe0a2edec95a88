use askama::Template;

use crate::{Form, Frame};

/// The code of an authenticator application, after the first proof. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The address of the account.
    pub email: &'a str,
    /// The link "use another address".
    pub restart: &'a str,
}

/// Setting an authenticator application up. Posts `code`, the first one that it shows.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "set_up_second_factor.html")]
pub struct SetUpSecondFactor<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The address of the account.
    pub email: &'a str,
    /// Whether nobody goes on without one.
    pub required: bool,
    /// The QR code, as a `data:` address.
    pub picture: &'a str,
    /// What the QR code says, for an application on this very device.
    pub uri: &'a str,
    /// The secret, to be typed.
    pub secret: &'a str,
    /// The link back, where one is set up out of one's own account.
    pub back: Option<&'a str>,
}

/// Removing the authenticator application. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "remove_second_factor.html")]
pub struct RemoveSecondFactor<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The address of the account.
    pub email: &'a str,
    /// Since when there is one, in words.
    pub since: &'a str,
    /// Whether another one has to be set up at the next sign-in.
    pub required: bool,
    /// The link back.
    pub back: &'a str,
}
