use askama::Template;

use crate::{Application, Form, Frame};

/// Whether to go on with the account that is signed in. Posts `decision` with `continue` or `other`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The application that people come from.
    pub application: Option<Application<'a>>,
    /// The name of who is signed in; may be empty.
    pub name: &'a str,
    /// The email address of who is signed in.
    pub email: &'a str,
}

impl SelectAccount<'_> {
    fn called(&self) -> &str {
        if self.name.is_empty() { self.email } else { self.name }
    }
}
