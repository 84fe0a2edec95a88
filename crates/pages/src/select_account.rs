use askama::Template;

use crate::{Application, Form, Frame};

/// The choice whether to continue with the signed-in account. Posts `decision` with `continue` or `other`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The application that the user came from.
    pub application: Option<Application<'a>>,
    /// The name of the signed-in user; may be empty.
    pub name: &'a str,
    /// The email address of the signed-in user.
    pub email: &'a str,
}

impl SelectAccount<'_> {
    fn called(&self) -> &str {
        if self.name.is_empty() { self.email } else { self.name }
    }
}
