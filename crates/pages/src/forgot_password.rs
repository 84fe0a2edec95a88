use askama::Template;

use crate::{Form, Frame};

/// A new password is wanted. Posts `email`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "forgot_password.html")]
pub struct ForgotPassword<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// Whether nobody would get the link: the page says what staff do instead, and asks for nothing.
    pub mail_is_missing: bool,
    /// What it posts.
    pub form: Form<'a>,
    /// What was typed before.
    pub email: &'a str,
    /// The link back.
    pub sign_in: &'a str,
}

/// The answer to it, the same whether there is such an account or not.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "forgot_password_sent.html")]
pub struct ForgotPasswordSent<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What was typed.
    pub email: &'a str,
    /// The link back.
    pub sign_in: &'a str,
}
