use askama::Template;

use crate::{Application, Form, Frame};

/// Whether the code is really the one on the person's own device (RFC 8628 §5.4). Posts `user_code` and `decision` with
/// `allow` or `deny`.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirm<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The code, as the device shows it.
    pub user_code: &'a str,
    /// The application on the device.
    pub application: Application<'a>,
    /// The email address of the person.
    pub account: &'a str,
    /// The link "use another account".
    pub other_account: &'a str,
}
