use askama::Template;

use crate::Frame;

/// The device goes on, or does not.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// Whether it got access.
    pub approved: bool,
}
