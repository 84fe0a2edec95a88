//! The shell of every page of an organization.

use crate::web_link::web_link;
use crate::{Frame, Texts};

/// A part that the visitor may access.
#[derive(Clone, Copy, Debug)]
pub struct Tab {
    /// Its label.
    pub label: &'static str,
    /// The path of its page.
    pub href: &'static str,
    /// Whether it is the current part.
    pub here: bool,
}

/// The shell of every page.
#[derive(Clone, Debug)]
pub struct Shell<'a> {
    /// The page frame, with language and branding.
    pub frame: Frame<'a>,
    /// The organization's name.
    pub organization: &'a str,
    /// The organization's ID: the hidden field `organization_id` of every form.
    pub organization_id: String,
    /// The email address of the signed-in member; empty for a visitor who came through a link.
    pub email: &'a str,
    /// The parts that the visitor may access.
    pub tabs: Vec<Tab>,
    /// The hidden field `csrf` of every form.
    pub csrf: String,
    /// Where the visitor returns to.
    pub return_url: Option<&'a str>,
    /// Where the visitor goes when finished.
    pub success_url: Option<&'a str>,
    /// What has just been done, if anything.
    pub done: Option<String>,
    /// What could not be done, if anything.
    pub problem: Option<String>,
    /// Whether the visitor may revoke credentials.
    pub may_revoke: bool,
    /// Whether the visitor may create credentials.
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

/// Links to the adjacent pages of a list.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// The page of newer rows.
    pub newer: Option<String>,
    /// The page of older rows.
    pub older: Option<String>,
}
