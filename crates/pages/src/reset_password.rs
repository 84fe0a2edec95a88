use askama::Template;

use crate::{Form, Frame};

/// The entry of a new password, reached by a link from an email. Posts `email` (as a hint for password managers) and
/// `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "reset_password.html")]
pub struct ResetPassword<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The email address of the account.
    pub email: &'a str,
    /// The minimum password length, for the hint.
    pub password_minimum: u32,
}
