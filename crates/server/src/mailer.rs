//! Sending mail: by SMTP, or, where no server is configured, not at all: then messages stay to be read at a local page.

use crate::domain::mails::Message;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};
use std::time::Duration;

/// How long a mail server may take for one message.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends mail, or keeps it.
pub enum Mailer {
    /// No server is configured.
    Keeps,
    /// By SMTP.
    Sends {
        /// The connection.
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// The sender.
        from: Box<Mailbox>,
    },
}

impl std::fmt::Debug for Mailer {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.keeps() { "Mailer(keeps)" } else { "Mailer(sends)" })
    }
}

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NotSent {
    /// Why, for the operator.
    pub reason: String,
    /// Whether it is of no use to try again.
    pub for_good: bool,
}

impl Mailer {
    /// From a URL such as `smtps://user:password@mail.example.com` and a sender.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn new(url: Option<&str>, from: &str) -> Result<Self, String> {
        let Some(url) = url else { return Ok(Self::Keeps) };
        let from: Mailbox = from.parse().map_err(|_| format!("mail_from: '{from}' is not an address"))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("smtp_url: {error}"))?
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self::Sends { transport: Box::new(transport), from: Box::new(from) })
    }

    /// Whether messages stay here.
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Keeps)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let Self::Sends { transport, from } = self else {
            return Err(NotSent { reason: "no mail server is configured".to_owned(), for_good: false });
        };
        let for_good = |error: &dyn std::fmt::Display| NotSent { reason: error.to_string(), for_good: true };
        let to: Mailbox = Mailbox::new(None, message.to.parse().map_err(|error| for_good(&error))?);
        let mail = lettre::Message::builder()
            .from((**from).clone())
            .to(to)
            .subject(message.subject.clone())
            .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
            .map_err(|error| for_good(&error))?;
        match tokio::time::timeout(PATIENCE, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent { reason: error.to_string(), for_good: error.is_permanent() }),
            Err(_) => Err(NotSent { reason: "the mail server does not answer".to_owned(), for_good: false }),
        }
    }
}
