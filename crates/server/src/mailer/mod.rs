//! Sends email by SMTP. Without a configured server nothing is sent, and messages can be read on a local page.

pub mod mail_server;
mod refusal;

use crate::domain::mails::Message;
use countersign_pages::mail::PICTURE_ID;
use countersign_protocol::id::MailId;
use countersign_protocol::model::email_for_smtp;
use countersign_protocol::time::Timestamp;
use lettre::Address;
use lettre::message::header::{ContentType, Date, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use mail_server::{MailServer, read_certificates};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// Sends email, or keeps it.
pub enum Mailer {
    /// No server is configured.
    Keeps,
    /// By SMTP.
    Sends {
        /// The mail server.
        server: Box<MailServer>,
        /// The sender.
        from: Box<Mailbox>,
    },
}

impl std::fmt::Debug for Mailer {
    /// Omits the URL, which may contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.keeps() { "Mailer(keeps)" } else { "Mailer(sends)" })
    }
}

/// Whether a message that was not sent is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retryability {
    /// No retry: it would be rejected every time.
    GivesUp,
    /// Retry later. Other messages can be sent in the meantime.
    Later,
    /// Like [`Retryability::Later`], but other messages would fail as well at the moment.
    ServerFails,
    /// Retry later: this node could not confirm that it still holds the claim on the message.
    NotHeld,
    /// Retry as soon as any node can: nothing was wrong with the message, but this process is stopping.
    Stopped,
}

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NotSent {
    /// The reason, for the operator.
    pub reason: String,
    /// Whether it is retried.
    pub outlook: Retryability,
}

impl NotSent {
    fn server(reason: String) -> Self {
        Self { reason, outlook: Retryability::ServerFails }
    }
}

/// The parameters of a mailer.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The mail server's URL, such as `smtps://user:password@mail.example.com`; without one, mail is kept.
    pub url: Option<&'a str>,
    /// The sender; required with a server.
    pub from: Option<&'a str>,
    /// The host name that we introduce ourselves by.
    pub us: &'a str,
    /// Certificate authorities to trust in addition to the public ones.
    pub authorities: Option<&'a Path>,
}

impl Mailer {
    /// Creates a mailer from the operator's settings.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn new(sending: Sending<'_>) -> Result<Self, String> {
        let from = sending.from.map(sender).transpose()?;
        let trusted = sending.authorities.map(read_certificates).transpose()?;
        let Some(url) = sending.url else { return Ok(Self::Keeps) };
        let server = MailServer::new(url, sending.us, trusted)?;
        // There is no default sender: most servers would reject one, and recipients would not know it.
        let from = from
            .ok_or("mail_from is missing: set the sender that people see, such as 'Acme <no-reply@acme.example>'.")?;
        Ok(Self::Sends { server: Box::new(server), from: Box::new(from) })
    }

    /// Whether messages are kept and not sent.
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Keeps)
    }

    /// Sends a message with its inline image. The message ID and date are those of its creation, so that a message sent
    /// twice is recognized as one. `stopping` aborts it while the server cannot have it yet; `held` is awaited just
    /// before it can.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(
        &self,
        message: &Message,
        made: (MailId, Timestamp),
        picture: Option<Vec<u8>>,
        stopping: impl Future<Output = ()>,
        held: impl Future<Output = bool>,
    ) -> Result<(), NotSent> {
        let Self::Sends { server, from } = self else {
            return Err(NotSent::server("no mail server is configured".to_owned()));
        };
        let unwritable =
            |reason: Box<dyn std::error::Error>| NotSent { reason: reason.to_string(), outlook: Retryability::GivesUp };
        let to: Address = email_for_smtp(&message.to).parse().map_err(|error| unwritable(Box::new(error)))?;
        let mail = written((from, &to), message, made, picture).map_err(unwritable)?.formatted();
        server.deliver((&from.email, &to), &mail, stopping, held).await
    }
}

fn sender(text: &str) -> Result<Mailbox, String> {
    let no_address = |_| format!("mail_from: '{text}' is not an address");
    let Mailbox { name, email } = text.parse().map_err(no_address)?;
    Ok(Mailbox::new(name, email_for_smtp(email.as_ref()).parse().map_err(no_address)?))
}

/// Returns the message in its wire format. The image is embedded, so that no request reveals when the message is read.
fn written(
    (from, to): (&Mailbox, &Address),
    message: &Message,
    (id, made_at): (MailId, Timestamp),
    picture: Option<Vec<u8>>,
) -> Result<lettre::Message, Box<dyn std::error::Error>> {
    let Message { subject, text, html, .. } = message;
    let html = SinglePart::html(html.clone());
    let parts = MultiPart::alternative().singlepart(SinglePart::plain(text.clone()));
    let parts = match picture {
        None => parts.singlepart(html),
        Some(picture) => {
            let picture = Attachment::new_inline(PICTURE_ID.to_owned()).body(picture, ContentType::parse("image/png")?);
            parts.multipart(MultiPart::related().singlepart(html).singlepart(picture))
        }
    };
    let moment = Duration::from_millis(u64::try_from(made_at.as_millis()).unwrap_or(0));
    // RFC 3834 §5: suppresses out-of-office replies.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mail = lettre::Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(Date::new(std::time::UNIX_EPOCH + moment))
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(subject.clone())
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(mail.multipart(parts)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;
    use countersign_protocol::model::is_email;
    use proptest::prelude::*;

    #[test]
    fn the_picture_travels_with_the_mail() {
        let from: Mailbox = "Acme <no-reply@acme.example>".parse().unwrap();
        let html = format!("<img src=\"cid:{PICTURE_ID}\">");
        let message = Message {
            to: "ada@example.com".into(),
            subject: "Hi".into(),
            text: "Hi".into(),
            html,
            picture: None,
            good_until: None,
        };
        let made = (MailId::from_ulid(7), Timestamp::from_millis(0));
        let ada: Address = message.to.parse().unwrap();
        let with =
            |picture| String::from_utf8(written((&from, &ada), &message, made, picture).unwrap().formatted()).unwrap();
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
    }

    proptest! {
        #[test]
        fn what_is_taken_as_an_address_can_be_written_to(local in "[a-zA-Z0-9.!#'+_-]{1,10}|\\PC{1,10}", domain in "[a-zA-Zäß0-9._-]{1,12}(\\.[a-z国]{1,4}){0,2}|\\PC{1,12}") {
            let address = format!("{local}@{domain}");
            prop_assert!(!is_email(&address) || email_for_smtp(&address).parse::<Address>().is_ok(), "{address}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let with = |url, from, authorities| Mailer::new(Sending { url, from, us: "auth.example.com", authorities });
        let refused = |url, from| with(Some(url), from, None).unwrap_err();
        for url in
            ["nonsense", "http://user:hush@mail.example.com", "smtp://user:hush@mail.example.com?tls=maybe", "smtp://"]
        {
            let said = refused(url, Some("no-reply@example.com"));
            assert!(said.contains("smtp_url") && !said.contains("hush"), "{said}");
        }
        for nobody in [Some("nobody"), None] {
            assert!(refused("smtp://localhost", nobody).contains("mail_from"));
        }
        assert!(with(None, None, Some(Path::new("/nowhere"))).unwrap_err().contains("smtp_ca"));
        let good = with(Some("smtps://user:hush@mail.example.com"), Some("A <a@example.com>"), None).unwrap();
        assert!(!good.keeps() && !format!("{good:?}").contains("hush"));
    }
}
