use askama::Template;

use crate::Frame;

/// The mails that were not sent, for development.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "mailbox.html")]
pub struct Mailbox<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// The newest first.
    pub mails: &'a [MailboxEntry<'a>],
}

/// A line of it.
#[derive(Clone, Copy, Debug)]
pub struct MailboxEntry<'a> {
    /// The address of its page.
    pub href: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Whom it is for.
    pub to: &'a str,
    /// When it was written, in words.
    pub time: &'a str,
}
