use askama::Template;

use crate::web_link::web_link;
use crate::{Form, Frame};

/// A page that says one thing: before a visit, after it, or instead of it.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "portal/notice.html")]
pub struct Notice<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// In a few words.
    pub title: &'a str,
    /// In a sentence or two.
    pub text: &'a str,
    /// Whether something has gone well.
    pub good: bool,
    /// What goes on with a button.
    pub form: Option<Form<'a>>,
    /// Where to go from here: a label and an address.
    pub link: Option<(&'a str, &'a str)>,
}

impl Notice<'_> {
    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}
