use askama::Template;

use crate::{Application, Form, Frame};

/// The first page of a sign-in. Posts `email`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The previously typed address, or the application's login hint.
    pub email: &'a str,
    /// The application that the user came from.
    pub application: Option<Application<'a>>,
    /// The link to sign up, if sign-up is open.
    pub sign_up: Option<&'a str>,
}
