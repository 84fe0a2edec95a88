use askama::Template;

use crate::Frame;

/// The emails that were kept instead of sent, for development.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "mailbox.html")]
pub struct Mailbox<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The emails, newest first.
    pub mails: &'a [MailboxEntry<'a>],
}

/// An entry of the mailbox.
#[derive(Clone, Copy, Debug)]
pub struct MailboxEntry<'a> {
    /// The URL of its page.
    pub href: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its recipient.
    pub to: &'a str,
    /// When it was written, in words.
    pub time: &'a str,
}
