use askama::Template;

use crate::{Form, Frame};

/// The entry of an authenticator code, after the first factor. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The account's email address.
    pub email: &'a str,
    /// The link "use another address".
    pub restart: &'a str,
}

/// The setup of an authenticator app. Posts `code`, the first code that it shows.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "set_up_second_factor.html")]
pub struct SetUpSecondFactor<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The account's email address.
    pub email: &'a str,
    /// Whether the user cannot continue without it.
    pub required: bool,
    /// The QR code, as a `data:` URL.
    pub picture: &'a str,
    /// The URI in the QR code, for an app on the same device.
    pub uri: &'a str,
    /// The secret, for manual entry.
    pub secret: &'a str,
    /// The link back, if setup was started from the user's own account page.
    pub back: Option<&'a str>,
}

/// The removal of the authenticator app. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "remove_second_factor.html")]
pub struct RemoveSecondFactor<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The account's email address.
    pub email: &'a str,
    /// When it was set up, in words.
    pub since: &'a str,
    /// Whether another one has to be set up at the next sign-in.
    pub required: bool,
    /// The link back.
    pub back: &'a str,
}
