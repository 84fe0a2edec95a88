use askama::Template;

use crate::{Application, Form, Frame};

/// The password of the account. Posts `email` (as a help for password managers; not to be trusted) and `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "password.html")]
pub struct Password<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// Who is signing in.
    pub email: &'a str,
    /// The application that people come from.
    pub application: Option<Application<'a>>,
    /// A new password was saved just now.
    pub password_saved: bool,
    /// The link "not you?".
    pub restart: &'a str,
    /// The link "forgot it?".
    pub forgot: Option<&'a str>,
    /// Where "email me a code instead" is posted to, if that is offered.
    pub code_action: Option<&'a str>,
}
