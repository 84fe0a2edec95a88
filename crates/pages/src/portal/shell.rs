//! What every page of an organization stands in.

use crate::web_link::web_link;
use crate::{Frame, Texts};

/// A part that the visitor may see.
#[derive(Clone, Copy, Debug)]
pub struct Tab {
    /// What people read.
    pub label: &'static str,
    /// Its page.
    pub href: &'static str,
    /// Whether it is the one that is shown.
    pub here: bool,
}

/// What every page stands in.
#[derive(Clone, Debug)]
pub struct Shell<'a> {
    /// Language and look.
    pub frame: Frame<'a>,
    /// Whose page it is.
    pub organization: &'a str,
    /// The hidden field `organization_id` of every form: its identifier.
    pub organization_id: String,
    /// Who is signed in; empty for who came by a link.
    pub email: &'a str,
    /// The parts there are.
    pub tabs: Vec<Tab>,
    /// The hidden field `csrf` of every form.
    pub csrf: String,
    /// Where people come from.
    pub return_url: Option<&'a str>,
    /// Where people go who have finished.
    pub success_url: Option<&'a str>,
    /// What has just been done.
    pub done: Option<String>,
    /// What could not be done.
    pub problem: Option<String>,
    /// Whether credentials may be ended here.
    pub may_revoke: bool,
    /// Whether credentials may be made here.
    pub may_create: bool,
}

impl Shell<'_> {
    pub(crate) fn t(&self) -> Texts {
        self.frame.texts()
    }

    pub(crate) fn back(&self) -> Option<&str> {
        self.return_url.and_then(web_link)
    }

    pub(crate) fn finish(&self) -> Option<&str> {
        self.success_url.and_then(web_link)
    }
}

/// The ways from a page of a list to the next ones.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// Towards the beginning.
    pub newer: Option<String>,
    /// Towards the end.
    pub older: Option<String>,
}
