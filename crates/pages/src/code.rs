use askama::Template;

use crate::{Form, Frame};

/// The code from a mail. Posts `code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "code.html")]
pub struct Code<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// What the code is for.
    pub purpose: CodePurpose,
    /// Where it was sent to.
    pub email: &'a str,
    /// The code, where the person came by the link in the mail; else empty.
    pub code: &'a str,
    /// Where "send a new code" is posted to.
    pub resend_action: &'a str,
    /// Whether a new one was just sent.
    pub resent: bool,
    /// Where the mail is read on a server that sends none.
    pub mailbox: Option<&'a str>,
    /// The link "use another address".
    pub restart: Option<&'a str>,
}

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePurpose {
    /// It stands for the password.
    SignIn,
    /// It proves that the address is the person's own.
    VerifyEmail,
}

impl Code<'_> {
    fn proves_address(&self) -> bool {
        self.purpose == CodePurpose::VerifyEmail
    }
}
