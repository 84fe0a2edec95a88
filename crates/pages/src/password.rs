use askama::Template;

use crate::{Application, Form, Frame};

/// The entry of the password. Posts `email` (as a hint for password managers; not to be trusted) and `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "password.html")]
pub struct Password<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The email address of the user who is signing in.
    pub email: &'a str,
    /// The application that the user came from.
    pub application: Option<Application<'a>>,
    /// Whether a new password was saved just now.
    pub password_saved: bool,
    /// The link "not you?".
    pub restart: &'a str,
    /// The link "forgot it?".
    pub forgot: Option<&'a str>,
    /// Where "email me a code instead" posts to, if that is offered.
    pub code_action: Option<&'a str>,
}
