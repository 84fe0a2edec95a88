use askama::Template;

use crate::Frame;

/// The link from a mail was opened where nobody has asked for a code: it is shown, to be typed where somebody has.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "code_elsewhere.html")]
pub struct CodeElsewhere<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// The code.
    pub code: &'a str,
}
