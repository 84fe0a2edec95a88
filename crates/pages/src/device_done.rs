use askama::Template;

use crate::Frame;

/// The end of a device sign-in: granted or denied.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// Whether the device got access.
    pub approved: bool,
}
