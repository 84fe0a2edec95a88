//! The configured mail server: its address, the protection of the connection, and the name we introduce ourselves by.

use super::refusal::Step;
use super::{NotSent, Retryability};
use crate::clock::MAX_APART;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use percent_encoding::percent_decode_str;
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use url::{Host, Url};

/// How long connecting may take, for each address of the server.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long everything before the message may take: greeting, TLS, credentials, sender, and recipient. Servers that
/// verify recipients or delay all clients take half a minute.
const ENVELOPE: Duration = Duration::from_secs(90);
/// How long a server may take to acknowledge a message. A client with a shorter timeout sends delivered messages again
/// (RFC 5321 §4.5.3.2.6).
const MESSAGE: Duration = Duration::from_secs(600);
/// How long a server may take to answer QUIT. Nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long a node's claim on a message lasts before its text is sent, in seconds. It is short because codes are valid
/// for minutes and the node may be killed.
pub const LEASE: i64 = ENVELOPE.as_secs().cast_signed() + SLACK;
/// How long the claim lasts from then on, in seconds: until delivery has succeeded or failed, also by the clock of
/// another node.
pub const LEASE_OF_TEXT: i64 = MESSAGE.as_secs().cast_signed() + SLACK + 2 * MAX_APART;
/// Extra time for a busy machine, in seconds.
pub const SLACK: i64 = 60;

/// A mail server.
pub struct MailServer {
    host: String,
    port: u16,
    protection: Protection,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    hello: ClientId,
}

impl MailServer {
    /// Creates a mail server from a URL such as `smtps://user:password@mail.example.com`, our host name, and a
    /// certificate authority to trust in addition to the public ones.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn new(url: &str, us: &str, trusted: Option<Certificate>) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("smtp_url: {error}");
        let url = Url::parse(url).map_err(|error| wrong(&error))?;
        let protection = Protection::of(&url)?;
        let host = bare_host(&url);
        if host.is_empty() {
            return Err(wrong(&"no host in it"));
        }
        let mut tls = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
        if let Some(trusted) = trusted {
            tls = tls.add_root_certificate(trusted);
        }
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(protection.usual_port()),
            protection,
            tls: tls.build().map_err(|error| wrong(&error))?,
            credentials: credentials(&url)?,
            hello: hello(us),
        })
    }

    /// Delivers a message. `stopping` aborts it until its text is being sent; after that the server may have the
    /// message, so the response is awaited. `held` is awaited just before, and returns whether the message is still
    /// this node's to send.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn deliver(
        &self,
        (from, to): (&Address, &Address),
        message: &[u8],
        stopping: impl Future<Output = ()>,
        held: impl Future<Output = bool>,
    ) -> Result<(), NotSent> {
        let mut connection = tokio::select! {
            ready = tokio::time::timeout(ENVELOPE, self.agree((from, to), message.is_ascii())) => {
                ready.unwrap_or_else(|_| Err(NotSent::server("it takes too long".to_owned())))?
            }
            () = stopping => return Err(NotSent { reason: "this process stops".to_owned(), outlook: Retryability::Stopped }),
        };
        if !held.await {
            let reason = "it took too long, and is sent by another node or later".to_owned();
            return Err(NotSent { reason, outlook: Retryability::NotHeld });
        }
        let taken = tokio::time::timeout(MESSAGE, connection.message(message)).await;
        match taken {
            Ok(Ok(_)) => {
                tokio::spawn(async move {
                    // Whatever the server answers now, it has the message.
                    let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
                });
                Ok(())
            }
            Ok(Err(error)) => Err(Step::Message.failed(&error)),
            Err(_) => Err(NotSent { reason: "the message: no answer".to_owned(), outlook: Retryability::Later }),
        }
    }

    /// Connects and proceeds to the point where the server expects the message.
    async fn agree(&self, (from, to): (&Address, &Address), ascii: bool) -> Result<AsyncSmtpConnection, NotSent> {
        let mut connection = self.connect().await?;
        let international = [from, to].iter().any(|address| !<Address as AsRef<str>>::as_ref(address).is_ascii());
        let mut parameters = Vec::new();
        for (needed, extension, parameter) in [
            (international, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight),
            (!ascii, Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime)),
        ] {
            if needed && !connection.server_info().supports_feature(extension) {
                let reason = format!("the mail server does not know {extension}");
                return Err(NotSent { reason, outlook: Retryability::Later });
            }
            parameters.extend(needed.then_some(parameter));
        }
        let sender = connection.command(Mail::new(Some(from.clone()), parameters)).await;
        sender.map_err(|error| Step::Sender.failed(&error))?;
        let recipient = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        recipient.map_err(|error| Step::Recipient.failed(&error))?;
        connection.command(Data).await.map_err(|error| Step::Message.failed(&error))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, NotSent> {
        let at_once = (self.protection == Protection::Always).then(|| self.tls.clone());
        let address = (self.host.as_str(), self.port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECTING), &self.hello, at_once, None).await;
        let mut connection = connected.map_err(|error| Step::Greeting.failed(&error))?;
        let upgrade = match self.protection {
            Protection::Always | Protection::None => false,
            Protection::StartTls => true,
            Protection::WhenOffered => connection.can_starttls(),
        };
        if upgrade {
            let secured = connection.starttls(self.tls.clone(), &self.hello).await;
            secured.map_err(|error| Step::Greeting.failed(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            let accepted = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
            accepted.map_err(|error| Step::Credentials.failed(&error))?;
        }
        Ok(connection)
    }
}

/// Returns a URL's host, with an IPv6 address stripped of its brackets. For a scheme that the URL parser does not know,
/// it leaves even an IPv4 address as a name.
fn bare_host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

fn credentials(url: &Url) -> Result<Option<Credentials>, String> {
    let plain = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| "smtp_url: user and password must be UTF-8".to_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (_, None) => Err("smtp_url: there is a user and no password".to_owned()),
        (user, Some(password)) => Ok(Some(Credentials::new(plain(user)?, plain(password)?))),
    }
}

/// Returns the name for EHLO (RFC 5321 §4.1.1.1): our public host name. Servers reject names without a domain, such as
/// those of containers.
fn hello(us: &str) -> ClientId {
    match Host::parse(us) {
        Ok(Host::Ipv4(address)) => ClientId::Ipv4(address),
        Ok(Host::Ipv6(address)) => ClientId::Ipv6(address),
        Ok(Host::Domain(name)) => ClientId::Domain(name),
        Err(_) => ClientId::Domain("localhost".to_owned()),
    }
}

/// How the connection to a mail server is protected: as for the database, plain text to this machine only, unless the
/// operator configures otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte.
    Always,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// STARTTLS if the server offers it. An attacker in between can strip the offer.
    WhenOffered,
    /// Plain text.
    None,
}

impl Protection {
    fn of(url: &Url) -> Result<Self, String> {
        let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let host = bare_host(url);
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

    fn usual_port(self) -> u16 {
        match self {
            Self::Always => 465,
            Self::StartTls | Self::WhenOffered => 587,
            Self::None => 25,
        }
    }
}

/// Reads a file of certificate authorities to trust.
///
/// # Errors
/// What is wrong with the file, for the operator.
pub fn read_certificates(path: &Path) -> Result<Certificate, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("smtp_ca ({}): {what}", path.display());
    let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
    if !pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
        return Err(wrong(&"no certificate in it"));
    }
    Certificate::from_pem(&pem).map_err(|error| wrong(&error))
}

/// The first line of a PEM certificate.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<(Protection, u16)>) {
        let parsed = Url::parse(url).unwrap();
        let found = Protection::of(&parsed).ok().map(|found| (found, parsed.port().unwrap_or(found.usual_port())));
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn mail_leaves_this_machine_encrypted_unless_the_operator_says_otherwise() {
        check("smtps://mail.example.com", Some((Protection::Always, 465)));
        check("smtp://mail.example.com", Some((Protection::StartTls, 587)));
        check("smtp://user:password@10.0.0.1:25", Some((Protection::StartTls, 25)));
        check("smtp://mail.example.com?tls=required", Some((Protection::StartTls, 587)));
        check("smtp://mail.example.com?tls=opportunistic", Some((Protection::WhenOffered, 587)));
        check("smtp://mail.example.com?tls=none", Some((Protection::None, 25)));
        check("smtp://localhost", Some((Protection::None, 25)));
        for local in ["localhost", "127.0.0.1", "[::1]"] {
            check(&format!("smtp://{local}:1025"), Some((Protection::None, 1025)));
        }
        check("smtp://localhost?tls=required", Some((Protection::StartTls, 587)));
        check("smtp://localhost.example.com", Some((Protection::StartTls, 587)));
        check("smtp://mail.example.com?tls=maybe", None);
        check("smtps://mail.example.com?tls=none", None);
        check("https://mail.example.com", None);
    }

    #[test]
    fn servers_have_addresses_and_people_special_characters() {
        let server = MailServer::new("smtp://[::1]:1025", "auth.example.com", None).unwrap();
        assert_eq!((server.host.as_str(), server.port, server.credentials), ("::1", 1025, None));
        let server = MailServer::new("smtps://a%40b.co:p%20%2Fw@mail.example.com", "auth.example.com", None).unwrap();
        assert_eq!(server.credentials, Some(Credentials::new("a@b.co".to_owned(), "p /w".to_owned())));
        assert!(MailServer::new("smtps://user@mail.example.com", "auth.example.com", None).is_err());
    }

    #[test]
    fn we_introduce_ourselves_by_a_name_that_servers_take() {
        for (us, expected) in [
            ("auth.example.com", "auth.example.com"),
            ("localhost", "localhost"),
            ("127.0.0.1", "[127.0.0.1]"),
            ("[::1]", "[IPv6:::1]"),
        ] {
            assert_eq!(hello(us).to_string(), expected);
        }
    }
}
