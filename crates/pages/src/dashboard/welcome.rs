use askama::Template;

use crate::{Form, Frame};

/// The creation of one's own account from a dashboard link.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "dashboard/welcome.html")]
pub struct Welcome<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form; its `flow` is the token of the link.
    pub form: Form<'a>,
    /// The typed email address.
    pub email: &'a str,
    /// The name of the role that the link grants.
    pub role: &'a str,
    /// A problem that belongs to no field.
    pub refused: Option<&'a str>,
}
