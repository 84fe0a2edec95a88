use askama::Template;

use crate::web_link::web_link;
use crate::{Form, Frame};

/// A page with a single message: before a visit, after it, or instead of it.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "portal/notice.html")]
pub struct Notice<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// A short title.
    pub title: &'a str,
    /// A sentence or two.
    pub text: &'a str,
    /// Whether it reports a success.
    pub good: bool,
    /// The form whose button continues.
    pub form: Option<Form<'a>>,
    /// A link onward: its label and URL.
    pub link: Option<(&'a str, &'a str)>,
}

impl Notice<'_> {
    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}
