use askama::Template;

use crate::Frame;

/// Shown when the link from an email is opened in a browser that has not requested a code: it shows the code, to be
/// typed into the browser that has.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "code_elsewhere.html")]
pub struct CodeElsewhere<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The code.
    pub code: &'a str,
}
