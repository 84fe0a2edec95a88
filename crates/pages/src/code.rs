use askama::Template;

use crate::{Form, Frame};

/// The entry of an emailed code. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "code.html")]
pub struct Code<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The purpose of the code.
    pub purpose: CodePurpose,
    /// The address that it was sent to.
    pub email: &'a str,
    /// The code, if the user followed the link in the email; otherwise empty.
    pub code: &'a str,
    /// Where "send a new code" posts to.
    pub resend_action: &'a str,
    /// Whether a new code was just sent.
    pub resent: bool,
    /// Where to read emails on a server that does not send them.
    pub mailbox: Option<&'a str>,
    /// The link "use another address".
    pub restart: Option<&'a str>,
}

/// The purpose of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePurpose {
    /// Signs in instead of a password.
    SignIn,
    /// Verifies the user's email address.
    VerifyEmail,
}

impl Code<'_> {
    fn proves_address(&self) -> bool {
        self.purpose == CodePurpose::VerifyEmail
    }
}
