use askama::Template;

use crate::{Form, Frame};

/// An invitation to an organization. Posts `decision` with `accept`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "invitation.html")]
pub struct Invitation<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// What they are invited to.
    pub organization: &'a str,
    /// Who invites.
    pub inviter: Option<&'a str>,
    /// Who is invited.
    pub email: &'a str,
}
