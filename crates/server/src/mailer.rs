//! Sending mail: by SMTP, or, where no server is configured, not at all: then messages stay to be read at a local page.

use crate::domain::mails::Message;
use countersign_pages::mail::PICTURE_ID;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
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

    /// Sends a message with the picture that it shows.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, message: &Message, picture: Option<Vec<u8>>) -> Result<(), NotSent> {
        let Self::Sends { transport, from } = self else {
            return Err(NotSent { reason: "no mail server is configured".to_owned(), for_good: false });
        };
        let mail =
            written(from, message, picture).map_err(|reason| NotSent { reason: reason.to_string(), for_good: true })?;
        match tokio::time::timeout(PATIENCE, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent { reason: error.to_string(), for_good: error.is_permanent() }),
            Err(_) => Err(NotSent { reason: "the mail server does not answer".to_owned(), for_good: false }),
        }
    }
}

/// The message as it goes over the wire. The picture is part of it: nothing tells us, or anybody, when it is read.
fn written(
    from: &Mailbox,
    message: &Message,
    picture: Option<Vec<u8>>,
) -> Result<lettre::Message, Box<dyn std::error::Error>> {
    let Message { to, subject, text, html, .. } = message;
    let html = SinglePart::html(html.clone());
    let parts = MultiPart::alternative().singlepart(SinglePart::plain(text.clone()));
    let parts = match picture {
        None => parts.singlepart(html),
        Some(picture) => {
            let picture = Attachment::new_inline(PICTURE_ID.to_owned()).body(picture, ContentType::parse("image/png")?);
            parts.multipart(MultiPart::related().singlepart(html).singlepart(picture))
        }
    };
    let mail = lettre::Message::builder().from(from.clone()).to(Mailbox::new(None, to.parse()?));
    Ok(mail.subject(subject.clone()).multipart(parts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_travels_with_the_mail() {
        let from: Mailbox = "Acme <no-reply@acme.example>".parse().unwrap();
        let html = format!("<img src=\"cid:{PICTURE_ID}\">");
        let message =
            Message { to: "ada@example.com".into(), subject: "Hi".into(), text: "Hi".into(), html, picture: None };
        let with = |picture| String::from_utf8(written(&from, &message, picture).unwrap().formatted()).unwrap();
        let mail = with(Some(b"\x89PNG".to_vec()));
        for part in [
            "multipart/alternative",
            "multipart/related",
            "Content-ID: <logo@branding>",
            "Content-Type: image/png",
            "iVBORw==",
        ] {
            assert!(mail.contains(part), "{part}: {mail}");
        }
        assert!(!with(None).contains("image/png"));
        let nobody = Message { to: "nobody".into(), ..message };
        assert!(written(&from, &nobody, None).is_err());
    }
}
