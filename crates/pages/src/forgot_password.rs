use askama::Template;

use crate::{Form, Frame};

/// The request for a password reset. Posts `email`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "forgot_password.html")]
pub struct ForgotPassword<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// Whether the link would reach nobody: the page then explains what staff do instead, and has no form.
    pub mail_is_missing: bool,
    /// The form.
    pub form: Form<'a>,
    /// The previously typed address.
    pub email: &'a str,
    /// The link back.
    pub sign_in: &'a str,
}

/// The response to the request, which does not depend on whether the account exists.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "forgot_password_sent.html")]
pub struct ForgotPasswordSent<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The typed address.
    pub email: &'a str,
    /// The link back.
    pub sign_in: &'a str,
}
