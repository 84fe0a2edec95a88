use askama::Template;

use crate::Frame;
use crate::web_link::web_link;

/// Signed out.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// Where to go from here: a label, such as [`crate::Texts::sign_in_again`], and an address.
    pub link: Option<(&'a str, &'a str)>,
}

impl SignedOut<'_> {
    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}
