//! Environments: the tenants of an installation.

use super::{Authentication, Brand, DefaultMails, PortalSettings, ProductPages, SelfRegistration, SessionPolicy};
use crate::id::{ClientId, EnvironmentId};
use crate::jose::Algorithm;
use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;

/// What an environment is used for; decides how strict redirect URIs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentKind {
    /// For trying things out: plain http and localhost are allowed in redirect URIs.
    Staging,
    /// For real users.
    Production,
}

impl EnvironmentKind {
    /// The word in storage and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Staging, Self::Production].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An environment: a tenant with data, keys, issuer and client id of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its identifier.
    pub id: EnvironmentId,
    /// A short name, unique in the installation.
    pub name: String,
    /// Staging or production.
    pub kind: EnvironmentKind,
    /// The client id of the environment's own application; the default `aud` of tokens.
    pub client_id: ClientId,
    /// The issuer, fixed for the environment's life.
    pub issuer: Issuer,
    /// What session tokens name as their issuer instead of the address that is theirs by default.
    pub session_issuer: Option<String>,
    /// What new signing keys are made for.
    pub signing_algorithm: Algorithm,
    /// How long an access token lives, in seconds.
    pub access_token_lifetime: i64,
    /// How long people stay signed in.
    pub sessions: SessionPolicy,
    /// How people sign in, and whether they may sign up.
    pub authentication: Authentication,
    /// Which clients it has that nobody registers by hand.
    pub self_registration: SelfRegistration,
    /// What its organizations may do on their own pages.
    pub portal: PortalSettings,
    /// Pages of the company's product to which people are led.
    pub product_pages: Arc<ProductPages>,
    /// Which messages this server sends of itself.
    pub default_mails: DefaultMails,
    /// What was chosen of its look.
    pub brand: Arc<Brand>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Environment {
    /// Whether it is the built-in one, whose people are the company's own staff.
    pub fn is_of_staff(&self) -> bool {
        !self.issuer.base().is_empty()
    }
}

/// Below which path the dashboard is, and the pages at which staff sign in.
pub const STAFF_BASE: &str = "/dashboard";

/// An issuer: an origin without path and without trailing slash (RFC 8414 §2), compared byte for byte by clients. The
/// built-in environment's alone has a path; no client knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer(String);

/// The text cannot be an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an origin in its normal form.
    #[error(
        "must be an origin such as https://auth.example.com: a scheme and a host in lower case, without path or trailing slash"
    )]
    NotAnOrigin,
    /// Plain http, and not to this machine.
    #[error("must be https, except on localhost")]
    NotHttps,
}

impl Issuer {
    /// Reads an issuer; only the normal form is accepted, so that there is one text for it.
    ///
    /// # Errors
    /// See [`IssuerError`].
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = url::Url::parse(text).map_err(|_| IssuerError::NotAnOrigin)?;
        if !matches!(url.scheme(), "https" | "http") || url.origin().ascii_serialization() != text {
            return Err(IssuerError::NotAnOrigin);
        }
        if url.scheme() == "http" && !is_this_machine(&url) {
            return Err(IssuerError::NotHttps);
        }
        Ok(Self(text.to_owned()))
    }

    /// The issuer of the built-in environment, whose people are the company's own staff, on the origin of the API: its pages
    /// are below [`STAFF_BASE`].
    #[must_use]
    pub fn of_staff(public_url: &Self) -> Self {
        Self(format!("{}{STAFF_BASE}", public_url.origin()))
    }

    /// Reads an issuer as it is stored: the built-in environment's as well.
    ///
    /// # Errors
    /// See [`IssuerError`].
    pub fn parse_stored(text: &str) -> Result<Self, IssuerError> {
        match text.strip_suffix(STAFF_BASE) {
            Some(origin) => Self::parse(origin).map(|origin| Self::of_staff(&origin)),
            None => Self::parse(text),
        }
    }

    /// The whole text: the origin, and the base.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Below which path its pages are: the empty text, but for the built-in environment.
    pub fn base(&self) -> &'static str {
        // An origin has no slash but the two behind its scheme.
        if self.0.ends_with(STAFF_BASE) { STAFF_BASE } else { "" }
    }

    /// The origin.
    pub fn origin(&self) -> &str {
        self.0.strip_suffix(STAFF_BASE).unwrap_or(&self.0)
    }

    /// Host, and port unless it is the scheme's own: what the `Host` header of a request to it says.
    pub fn authority(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host alone, an IPv6 address with its brackets.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Whether connections to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether it names this machine itself: localhost or a loopback address.
    pub fn is_this_machine(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| is_this_machine(&url))
    }
}

pub(super) fn is_this_machine(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, IssuerError>) {
        assert_eq!(Issuer::parse(text).as_ref().map(Issuer::authority).map_err(|e| *e), expected, "{text}");
    }

    #[test]
    fn an_issuer_is_an_origin_in_its_one_form() {
        check("https://auth.example.com", Ok("auth.example.com"));
        check("https://auth.example.com:8443", Ok("auth.example.com:8443"));
        check("http://localhost:8080", Ok("localhost:8080"));
        check("http://127.0.0.1:8080", Ok("127.0.0.1:8080"));
        check("http://[::1]:8080", Ok("[::1]:8080"));
        check("http://auth.example.com", Err(IssuerError::NotHttps));
        for bad in [
            "",
            "auth.example.com",
            "https://auth.example.com/",
            "https://auth.example.com/path",
            "https://auth.example.com:443",
            "https://Auth.example.com",
            "https://user@auth.example.com",
            "https://auth.example.com?x",
            "ftp://auth.example.com",
            "javascript:alert(1)",
        ] {
            check(bad, Err(IssuerError::NotAnOrigin));
        }
    }

    #[test]
    fn the_built_in_environment_has_a_path_and_no_other_can() {
        let public_url = Issuer::parse("https://auth.example.com:8443").unwrap();
        let staff = Issuer::of_staff(&public_url);
        assert_eq!(staff.as_str(), "https://auth.example.com:8443/dashboard");
        assert_eq!(
            (staff.base(), staff.origin(), staff.authority()),
            ("/dashboard", public_url.as_str(), "auth.example.com:8443")
        );
        assert_eq!(Issuer::of_staff(&staff), staff);
        assert_eq!(Issuer::parse_stored(staff.as_str()), Ok(staff.clone()));
        assert_eq!(Issuer::parse(staff.as_str()), Err(IssuerError::NotAnOrigin));
        assert_eq!(Issuer::parse_stored(public_url.as_str()), Ok(public_url.clone()));
        assert_eq!((public_url.base(), public_url.origin()), ("", public_url.as_str()));
    }
}
