use askama::Template;

use crate::{Form, Frame};

/// The new password, by a link from a mail. Posts `email` (as a help for password managers) and `password`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "reset_password.html")]
pub struct ResetPassword<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// Whose password it is.
    pub email: &'a str,
    /// How long a password has to be, for the hint.
    pub password_minimum: u32,
}
