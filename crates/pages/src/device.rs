use askama::Template;

use crate::{Form, Frame};

/// The entry of a device's user code (RFC 8628 §3.3). Posts `user_code`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device.html")]
pub struct Device<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The previously typed code, or the one in the link.
    pub user_code: &'a str,
}
