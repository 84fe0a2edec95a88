use askama::Template;

use crate::{Application, Form, Frame};

/// The creation of an account. Posts `email`, `first_name`, `last_name` and `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_up.html")]
pub struct SignUp<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The application that the user came from.
    pub application: Option<Application<'a>>,
    /// The previously typed address.
    pub email: &'a str,
    /// The previously typed given name.
    pub first_name: &'a str,
    /// The previously typed family name.
    pub last_name: &'a str,
    /// The minimum password length, for the hint; `None` if passwords are disabled.
    pub password_minimum: Option<u32>,
    /// The link "sign in".
    pub sign_in: &'a str,
}

impl SignUp<'_> {
    /// The fields that a problem can be shown next to.
    fn fields(&self) -> &'static str {
        if self.password_minimum.is_some() {
            "email first_name last_name password"
        } else {
            "email first_name last_name"
        }
    }
}
