//! Environments: the tenants of an installation.

use super::{Authentication, Brand, DefaultMails, PortalSettings, ProductPages, SelfRegistration, SessionPolicy};
use crate::id::{ClientId, EnvironmentId};
use crate::jose::Algorithm;
use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;

/// What an environment is used for; determines how strict the redirect URI rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentKind {
    /// For testing: plain http and localhost are allowed in redirect URIs.
    Staging,
    /// For real users.
    Production,
}

impl EnvironmentKind {
    /// The word used in storage and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Staging, Self::Production].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An environment: a tenant with its own data, keys, issuer and client ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its identifier.
    pub id: EnvironmentId,
    /// A short name, unique in the installation.
    pub name: String,
    /// Staging or production.
    pub kind: EnvironmentKind,
    /// The client ID of the environment's own application; the default `aud` of tokens.
    pub client_id: ClientId,
    /// The issuer, fixed for the environment's lifetime.
    pub issuer: Issuer,
    /// The issuer of session tokens, if it overrides the default.
    pub session_issuer: Option<String>,
    /// The algorithm for new signing keys.
    pub signing_algorithm: Algorithm,
    /// The lifetime of an access token, in seconds.
    pub access_token_lifetime: i64,
    /// How long users stay signed in.
    pub sessions: SessionPolicy,
    /// How users sign in, and whether they may sign up.
    pub authentication: Authentication,
    /// Which self-registered clients are accepted.
    pub self_registration: SelfRegistration,
    /// What its organizations may do in their portals.
    pub portal: PortalSettings,
    /// Pages of the company's product that users are sent to.
    pub product_pages: Arc<ProductPages>,
    /// Which emails this server sends itself.
    pub default_mails: DefaultMails,
    /// Its branding.
    pub brand: Arc<Brand>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Environment {
    /// Whether it is the built-in environment, whose users are the company's own staff.
    pub fn is_of_staff(&self) -> bool {
        !self.issuer.base().is_empty()
    }
}

/// The path prefix of the dashboard and of the staff sign-in pages.
pub const STAFF_BASE: &str = "/dashboard";

/// An issuer: an origin without a path or trailing slash (RFC 8414 §2), which clients compare byte for byte. Only the
/// issuer of the built-in environment has a path; no client uses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer(String);

/// A text that cannot be an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an origin in normal form.
    #[error(
        "must be an origin such as https://auth.example.com: a scheme and a host in lower case, without path or trailing slash"
    )]
    NotAnOrigin,
    /// Plain http to a host other than this machine.
    #[error("must be https, except on localhost")]
    NotHttps,
}

impl Issuer {
    /// Parses an issuer; only the normal form is accepted, so that an issuer has exactly one text.
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

    /// The issuer of the built-in environment, whose users are the company's own staff. It is on the origin of the API;
    /// its pages are under [`STAFF_BASE`].
    #[must_use]
    pub fn of_staff(public_url: &Self) -> Self {
        Self(format!("{}{STAFF_BASE}", public_url.origin()))
    }

    /// Parses a stored issuer, including that of the built-in environment.
    ///
    /// # Errors
    /// See [`IssuerError`].
    pub fn parse_stored(text: &str) -> Result<Self, IssuerError> {
        match text.strip_suffix(STAFF_BASE) {
            Some(origin) => Self::parse(origin).map(|origin| Self::of_staff(&origin)),
            None => Self::parse(text),
        }
    }

    /// The whole text: origin and base.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path prefix of its pages: empty, except for the built-in environment.
    pub fn base(&self) -> &'static str {
        // An origin's only slashes are the two after its scheme.
        if self.0.ends_with(STAFF_BASE) { STAFF_BASE } else { "" }
    }

    /// The origin.
    pub fn origin(&self) -> &str {
        self.0.strip_suffix(STAFF_BASE).unwrap_or(&self.0)
    }

    /// The host, and the port unless it is the scheme's default, as in the `Host` header of a request.
    pub fn authority(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host without the port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Whether it uses https.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether it refers to this machine: localhost or a loopback address.
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
