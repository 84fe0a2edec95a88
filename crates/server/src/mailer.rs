//! Sending mail: by SMTP, or, where no server is configured, not at all: then messages stay to be read at a local page.

use crate::domain::mails::Message;
use countersign_pages::mail::PICTURE_ID;
use countersign_protocol::id::MailId;
use countersign_protocol::model::email_for_smtp;
use countersign_protocol::time::Timestamp;
use lettre::message::header::{ContentType, Date, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncTransport, Tokio1Executor};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// How long a mail server may take for one message.
pub const PATIENCE: Duration = Duration::from_secs(20);

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
    /// From a URL such as `smtps://user:password@mail.example.com`, a sender, and authorities to trust besides the public
    /// ones.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn new(url: Option<&str>, from: &str, authorities: Option<&Path>) -> Result<Self, String> {
        let no_address = |_| format!("mail_from: '{from}' is not an address");
        let Mailbox { name, email } = from.parse().map_err(no_address)?;
        let from = Mailbox::new(name, email_for_smtp(email.as_ref()).parse().map_err(no_address)?);
        let trusted = authorities.map(read_certificates).transpose()?;
        let Some(url) = url else { return Ok(Self::Keeps) };
        // The library reads host, port, name and credentials; how the connection is protected is our own rule.
        let wrong = |error: &dyn std::fmt::Display| format!("smtp_url: {error}");
        let parsed = Url::parse(url).map_err(|error| wrong(&error))?;
        let protection = Protection::of(&parsed)?;
        let mut known = parsed.clone();
        known.set_query(protection.library_query());
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(known.as_str()).map_err(|error| wrong(&error))?;
        let mut parameters = TlsParameters::builder(parsed.host_str().unwrap_or_default().to_owned())
            .certificate_store(CertificateStore::WebpkiRoots);
        if let Some(trusted) = trusted {
            parameters = parameters.add_root_certificate(trusted);
        }
        let parameters = parameters.build().map_err(|error| wrong(&error))?;
        let tls = match protection {
            Protection::Always => Tls::Wrapper(parameters),
            Protection::StartTls => Tls::Required(parameters),
            Protection::WhenOffered => Tls::Opportunistic(parameters),
            Protection::None => Tls::None,
        };
        let transport = builder.tls(tls).timeout(Some(PATIENCE)).build();
        Ok(Self::Sends { transport: Box::new(transport), from: Box::new(from) })
    }

    /// Whether messages stay here.
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Keeps)
    }

    /// Sends a message with the picture that it shows. Its identifier and its moment are those of its making: sent twice, it
    /// is one message.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(
        &self,
        message: &Message,
        made: (MailId, Timestamp),
        picture: Option<Vec<u8>>,
    ) -> Result<(), NotSent> {
        let Self::Sends { transport, from } = self else {
            return Err(NotSent { reason: "no mail server is configured".to_owned(), for_good: false });
        };
        let mail = written(from, message, made, picture)
            .map_err(|reason| NotSent { reason: reason.to_string(), for_good: true })?;
        match tokio::time::timeout(PATIENCE, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                // That a server wants other credentials is the operator's to mend, and says nothing about the message.
                let about_us = error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
                Err(NotSent { reason: error.to_string(), for_good: error.is_permanent() && !about_us })
            }
            Err(_) => Err(NotSent { reason: "the mail server does not answer".to_owned(), for_good: false }),
        }
    }
}

/// The message as it goes over the wire. The picture is part of it: nothing tells us, or anybody, when it is read.
fn written(
    from: &Mailbox,
    message: &Message,
    (id, made_at): (MailId, Timestamp),
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
    let moment = Duration::from_millis(u64::try_from(made_at.as_millis()).unwrap_or(0));
    // RFC 3834 §5: no out-of-office reply is wanted.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mail = lettre::Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(Date::new(std::time::UNIX_EPOCH + moment))
        .from(from.clone())
        .to(Mailbox::new(None, email_for_smtp(to).parse()?))
        .subject(subject.clone())
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(mail.multipart(parts)?)
}

/// How the connection to a mail server is protected: as that to a database, in plain text to this machine only, unless
/// the operator says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte.
    Always,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// STARTTLS when the server offers it: an attacker on the way can take the offer out.
    WhenOffered,
    /// Plain text.
    None,
}

impl Protection {
    fn of(url: &Url) -> Result<Self, String> {
        let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        // Of a scheme it does not know, the URL's parser leaves even an IPv4 address a name.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match (url.scheme(), asked.as_deref()) {
            ("smtps", None) => Ok(Self::Always),
            ("smtp", Some("required")) => Ok(Self::StartTls),
            ("smtp", Some("opportunistic")) => Ok(Self::WhenOffered),
            ("smtp", Some("none")) => Ok(Self::None),
            ("smtp", None) => Ok(if here { Self::None } else { Self::StartTls }),
            ("smtp", Some(_)) => Err("smtp_url: tls must be 'required', 'opportunistic' or 'none'".to_owned()),
            ("smtps", Some(_)) => Err("smtp_url: smtps is TLS from the first byte; leave ?tls= out".to_owned()),
            _ => Err("smtp_url must begin with smtp:// or smtps://".to_owned()),
        }
    }

    /// What the library must find in the URL to choose the usual port.
    fn library_query(self) -> Option<&'static str> {
        match self {
            Self::StartTls => Some("tls=required"),
            Self::WhenOffered => Some("tls=opportunistic"),
            Self::Always | Self::None => None,
        }
    }
}

fn read_certificates(path: &Path) -> Result<Certificate, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("smtp_ca ({}): {what}", path.display());
    let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
    if !pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
        return Err(wrong(&"no certificate in it"));
    }
    Certificate::from_pem(&pem).map_err(|error| wrong(&error))
}

/// What a certificate begins with.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;

    #[test]
    fn the_picture_travels_with_the_mail() {
        let from: Mailbox = "Acme <no-reply@acme.example>".parse().unwrap();
        let html = format!("<img src=\"cid:{PICTURE_ID}\">");
        let message =
            Message { to: "ada@example.com".into(), subject: "Hi".into(), text: "Hi".into(), html, picture: None };
        let made = (MailId::from_ulid(7), Timestamp::from_millis(0));
        let with = |picture| String::from_utf8(written(&from, &message, made, picture).unwrap().formatted()).unwrap();
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
        // A mail server that knows ASCII alone takes it as well.
        let abroad = Message { to: "ada@bücher.example".into(), ..message.clone() };
        let abroad = written(&from, &abroad, made, None).unwrap();
        assert_eq!(abroad.envelope().to()[0].to_string(), "ada@xn--bcher-kva.example");
        let nobody = Message { to: "nobody".into(), ..message };
        assert!(written(&from, &nobody, made, None).is_err());
    }

    fn check(url: &str, expected: Option<Protection>) {
        assert_eq!(Protection::of(&Url::parse(url).unwrap()).ok(), expected, "{url}");
    }

    #[test]
    fn mail_leaves_this_machine_encrypted_unless_the_operator_says_otherwise() {
        check("smtps://mail.example.com", Some(Protection::Always));
        check("smtp://mail.example.com", Some(Protection::StartTls));
        check("smtp://user:password@10.0.0.1:25", Some(Protection::StartTls));
        check("smtp://mail.example.com?tls=required", Some(Protection::StartTls));
        check("smtp://mail.example.com?tls=opportunistic", Some(Protection::WhenOffered));
        check("smtp://mail.example.com?tls=none", Some(Protection::None));
        for local in ["localhost", "127.0.0.1:1025", "[::1]:1025"] {
            check(&format!("smtp://{local}"), Some(Protection::None));
        }
        check("smtp://localhost?tls=required", Some(Protection::StartTls));
        check("smtp://localhost.example.com", Some(Protection::StartTls));
        check("smtp://mail.example.com?tls=maybe", None);
        check("smtps://mail.example.com?tls=none", None);
        check("https://mail.example.com", None);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let refused = |url: &str, from: &str| Mailer::new(Some(url), from, None).unwrap_err();
        for url in
            ["nonsense", "http://user:hush@mail.example.com", "smtp://user:hush@mail.example.com?tls=maybe", "smtp://"]
        {
            let said = refused(url, "no-reply@example.com");
            assert!(said.contains("smtp_url") && !said.contains("hush"), "{said}");
        }
        assert!(refused("smtp://localhost", "nobody").contains("mail_from"));
        assert!(
            Mailer::new(None, "no-reply@example.com", Some(Path::new("/nowhere"))).unwrap_err().contains("smtp_ca")
        );
        let good = Mailer::new(Some("smtps://user:hush@mail.example.com"), "A <a@example.com>", None).unwrap();
        assert!(!good.keeps() && !format!("{good:?}").contains("hush"));
    }
}
