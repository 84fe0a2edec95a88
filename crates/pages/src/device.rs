use askama::Template;

use crate::{Form, Frame};

/// The code of a device (RFC 8628 §3.3). Posts `user_code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device.html")]
pub struct Device<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// What was typed before, or came with the link.
    pub user_code: &'a str,
}
