use askama::Template;

use crate::{Form, Frame};

/// Whether to sign out, where an application did not prove whom it means. Posts `decision` with `sign_out` or `stay`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "sign_out_confirm.html")]
pub struct SignOutConfirm<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The email address of who is signed in.
    pub email: &'a str,
    /// The application that people go back to then.
    pub application: Option<&'a str>,
}
