use askama::Template;

use crate::{Form, Frame};

/// Confirmation of a sign-out when the application did not prove whose session it means. Posts `decision` with
/// `sign_out` or `stay`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_out_confirm.html")]
pub struct SignOutConfirm<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The email address of the signed-in user.
    pub email: &'a str,
    /// The application that the user returns to afterwards.
    pub application: Option<&'a str>,
}
