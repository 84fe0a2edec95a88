use askama::Template;

use crate::{Form, Frame};

/// Making one's own account, for who was given a link into the dashboard.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "dashboard/welcome.html")]
pub struct Welcome<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// The form; its `flow` is the token of the link.
    pub form: Form<'a>,
    /// What was typed as address.
    pub email: &'a str,
    /// What they will be, in words.
    pub role: &'a str,
    /// What is wrong and in no field.
    pub refused: Option<&'a str>,
}
