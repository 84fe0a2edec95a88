//! What a mail server's rejection means: whether it concerns this message or all messages, and whether it is permanent.

use super::{NotSent, Retryability};
use lettre::transport::smtp::Error;

/// The step of the SMTP conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connection, greeting, encryption.
    Greeting,
    /// Authentication.
    Credentials,
    /// The sender (`MAIL`).
    Sender,
    /// The recipient (`RCPT`).
    Recipient,
    /// The message (`DATA`).
    Message,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Greeting => "connecting",
            Self::Credentials => "the credentials",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Message => "the message",
        }
    }

    /// Returns what an error at this step means for the message.
    pub(super) fn failed(self, error: &Error) -> NotSent {
        let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let outlook = self.outlook(error.status().map(u16::from), &said);
        NotSent { reason: format!("{}: {error}", self.name()), outlook }
    }

    /// Returns the outlook for a response with this code (RFC 5321 §4.2.1) and text; no code means no response.
    ///
    /// A server that rejects us, our sender, or relaying is for the operator to fix, and says nothing about the
    /// message. A message is given up only when an enhanced status code says that there is no such mailbox, because a
    /// relay that does not know us uses the same three-digit codes.
    fn outlook(self, code: Option<u16>, said: &str) -> Retryability {
        match (self, code) {
            (Self::Greeting | Self::Credentials | Self::Sender, _) | (_, None) => Retryability::ServerFails,
            // RFC 5321 §3.8: the server closes the connection.
            (_, Some(421)) => Retryability::ServerFails,
            (Self::Recipient | Self::Message, Some(500..)) => match enhanced(said) {
                Some((5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1)) => Retryability::GivesUp,
                _ => Retryability::Later,
            },
            (Self::Recipient | Self::Message, Some(_)) => Retryability::Later,
        }
    }
}

/// Returns a response's enhanced status code (RFC 3463 §2), which is more specific than the three-digit SMTP code. Most
/// servers put it first, some put it last in parentheses. Elsewhere in the text it comes from another server and
/// concerns somebody else: a relay that checked whether our sender exists quotes the answer it got.
fn enhanced(said: &str) -> Option<(u16, u16, u16)> {
    let read = |word: &str| {
        let mut parts = word.splitn(3, '.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    let first = said.split_whitespace().next();
    let last = said.split_whitespace().next_back().and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
    first.and_then(read).or_else(|| read(last?.trim_start_matches('#')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_given_up_only_when_there_is_no_such_mailbox() {
        let check =
            |step: Step, code, said, expected| assert_eq!(step.outlook(code, said), expected, "{step:?} {said}");
        check(Step::Recipient, Some(550), "5.1.1 no such user", Retryability::GivesUp);
        check(Step::Recipient, Some(556), "5.1.10 takes no mail", Retryability::GivesUp);
        check(Step::Recipient, Some(550), "sorry, no mailbox here by that name (#5.1.1)", Retryability::GivesUp);
        check(Step::Message, Some(550), "5.2.1 disabled", Retryability::GivesUp);
        // For the operator to fix, or temporary.
        check(Step::Greeting, Some(554), "5.7.1 blocked", Retryability::ServerFails);
        check(Step::Credentials, Some(535), "5.7.8 wrong password", Retryability::ServerFails);
        check(Step::Sender, Some(553), "5.7.1 not your address", Retryability::ServerFails);
        check(Step::Sender, Some(550), "5.1.1 no such sender", Retryability::ServerFails);
        check(Step::Recipient, Some(421), "4.3.2 closing", Retryability::ServerFails);
        check(Step::Message, None, "connection reset", Retryability::ServerFails);
        check(Step::Recipient, Some(550), "5.7.1 relaying denied", Retryability::Later);
        check(Step::Recipient, Some(554), "relay access denied", Retryability::Later);
        check(Step::Recipient, Some(550), "relay not permitted", Retryability::Later);
        check(Step::Recipient, Some(550), "Sender verify failed", Retryability::Later);
        check(
            Step::Recipient,
            Some(553),
            "that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            Retryability::Later,
        );
        check(Step::Recipient, Some(550), "5.4.5 daily limit exceeded", Retryability::Later);
        check(Step::Recipient, Some(552), "5.2.2 mailbox full", Retryability::Later);
        check(Step::Recipient, Some(450), "4.2.0 greylisted", Retryability::Later);
        check(Step::Message, Some(554), "5.7.1 looks like spam", Retryability::Later);
        check(Step::Message, Some(550), "content refused", Retryability::Later);
    }

    #[test]
    fn status_codes_are_found() {
        for (said, expected) in [
            ("5.1.1 no such user", Some((5, 1, 1))),
            ("5.7.26 unauthenticated", Some((5, 7, 26))),
            ("no mailbox (#5.1.1)", Some((5, 1, 1))),
            ("no mailbox (5.1.1)", Some((5, 1, 1))),
            ("at 192.0.2.1", None),
            (
                "Verification failed Called: 192.0.2.1 Response: 550 5.1.1 <no-reply@b.co>: User unknown Sender verify failed",
                None,
            ),
            ("5.1", None),
            ("5.1.x", None),
            ("", None),
        ] {
            assert_eq!(enhanced(said), expected, "{said}");
        }
    }
}
