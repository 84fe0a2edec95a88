use askama::Template;

use crate::{Form, Frame};

/// An invitation to an organization. Posts `decision` with `accept`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "invitation.html")]
pub struct Invitation<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The organization's name.
    pub organization: &'a str,
    /// The name of the inviter.
    pub inviter: Option<&'a str>,
    /// The invited email address.
    pub email: &'a str,
}
