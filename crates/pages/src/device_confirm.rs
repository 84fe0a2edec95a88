use askama::Template;

use crate::{Application, Form, Frame};

/// Confirmation that the code is the one on the user's own device (RFC 8628 §5.4). Posts `user_code` and `decision`
/// with `allow` or `deny`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirm<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The code as the device shows it.
    pub user_code: &'a str,
    /// The application on the device.
    pub application: Application<'a>,
    /// The user's email address.
    pub account: &'a str,
    /// The link "use another account".
    pub other_account: &'a str,
}
