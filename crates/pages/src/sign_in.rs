use askama::Template;

use crate::{Application, Form, Frame};

/// The first page: who are you? Posts `email`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// What was typed before, or the application's hint.
    pub email: &'a str,
    /// The application that people come from.
    pub application: Option<Application<'a>>,
    /// Where to sign up, if that is open.
    pub sign_up: Option<&'a str>,
}
