use askama::Template;

use crate::Frame;
use crate::web_link::web_link;

/// The page after signing out.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// A link onward: its label, such as [`crate::Texts::sign_in_again`], and its URL.
    pub link: Option<(&'a str, &'a str)>,
}

impl SignedOut<'_> {
    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}
