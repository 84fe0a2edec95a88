use askama::Template;

use crate::Frame;
use crate::web_link::{Piece, pieces};

/// An email that was kept instead of sent: its text part, with clickable links.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "mailbox_message.html")]
pub struct MailboxMessage<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// Its subject.
    pub subject: &'a str,
    /// Its recipient.
    pub to: &'a str,
    /// When it was written, in words.
    pub time: &'a str,
    /// Its text part.
    pub text: &'a str,
    /// The link back to the list.
    pub mailbox: &'a str,
}

impl MailboxMessage<'_> {
    fn pieces(&self) -> Vec<Piece<'_>> {
        pieces(self.text)
    }
}
