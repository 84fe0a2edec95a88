use askama::Template;

use crate::{Application, Form, Frame};

/// A new account. Posts `email`, `first_name`, `last_name` and `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_up.html")]
pub struct SignUp<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The application that people come from.
    pub application: Option<Application<'a>>,
    /// What was typed before.
    pub email: &'a str,
    /// What was typed before.
    pub first_name: &'a str,
    /// What was typed before.
    pub last_name: &'a str,
    /// How long a password has to be, for the hint; `None` where there are no passwords.
    pub password_minimum: Option<u32>,
    /// The link "sign in".
    pub sign_in: &'a str,
}

impl SignUp<'_> {
    /// The fields that a problem can stand beside.
    fn fields(&self) -> &'static str {
        if self.password_minimum.is_some() {
            "email first_name last_name password"
        } else {
            "email first_name last_name"
        }
    }
}
