//! URLs that outbound requests may go to.

use super::address::is_public;
use std::net::IpAddr;

/// The maximum length of a URL.
const MAX_LENGTH: usize = 2048;

/// How far outbound requests may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, over https.
    Public,
    /// Also this machine, over plain http: for testing while the server itself is on localhost.
    PublicAndThisMachine,
    /// Anywhere, including over plain http: for a command whose operator typed the address.
    Anywhere,
}

impl Reach {
    /// Whether a connection to this address is allowed.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::PublicAndThisMachine => is_public(address) || address.is_loopback(),
            Self::Anywhere => true,
        }
    }
}

/// A URL that is allowed judging by its text. The IP addresses its host resolves to are checked when the connection is
/// made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: url::Url,
}

/// Why a URL is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL, or too long.
    #[error("must be an absolute URL of at most 2048 characters")]
    NotAUrl,
    /// A scheme other than https.
    #[error("must begin with https://")]
    NotHttps,
    /// `user:password@`.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// `#…`.
    #[error("must not contain a fragment")]
    Fragment,
    /// A literal IP address of a private network.
    #[error("must not name an address of a private network")]
    Private,
}

impl Target {
    /// Parses a URL.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(text: &str, reach: Reach) -> Result<Self, TargetError> {
        if text.len() > MAX_LENGTH || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(TargetError::NotAUrl);
        }
        let url = url::Url::parse(text).map_err(|_| TargetError::NotAUrl)?;
        let host = url.host().ok_or(TargetError::NotAUrl)?;
        let literal = match host {
            url::Host::Ipv4(address) => Some(IpAddr::V4(address)),
            url::Host::Ipv6(address) => Some(IpAddr::V6(address)),
            url::Host::Domain(_) => None,
        };
        let this_machine = match literal {
            Some(address) => address.is_loopback(),
            None => url.host_str().is_some_and(|name| name == "localhost" || name.ends_with(".localhost")),
        };
        match url.scheme() {
            "https" => {}
            "http" if reach == Reach::Anywhere || (reach == Reach::PublicAndThisMachine && this_machine) => {}
            _ => return Err(TargetError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        if literal.is_some_and(|address| !reach.allows(address)) {
            return Err(TargetError::Private);
        }
        Ok(Self { url })
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// The path and query.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, reach: Reach, expected: Result<&str, TargetError>) {
        assert_eq!(
            Target::parse(text, reach).as_ref().map(Target::authority).map_err(|error| *error),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_target_is_https_and_public() {
        use Reach::{Public, PublicAndThisMachine};
        check("https://app.example.com/logout?x=1", Public, Ok("app.example.com"));
        check("https://app.example.com:8443/", Public, Ok("app.example.com:8443"));
        check("https://1.1.1.1/", Public, Ok("1.1.1.1"));
        check("http://app.example.com/", PublicAndThisMachine, Err(TargetError::NotHttps));
        check("http://localhost:3000/out", Public, Err(TargetError::NotHttps));
        check("http://localhost:3000/out", PublicAndThisMachine, Ok("localhost:3000"));
        check("http://127.0.0.1:3000/out", PublicAndThisMachine, Ok("127.0.0.1:3000"));
        check("http://[::1]:3000/out", PublicAndThisMachine, Ok("[::1]:3000"));
        check("http://10.0.0.1/", PublicAndThisMachine, Err(TargetError::NotHttps));
        check("https://user@app.example.com/", Public, Err(TargetError::Credentials));
        check("https://app.example.com/#x", Public, Err(TargetError::Fragment));
        for no_url in ["", "app.example.com", "https://", "https:// x", "https://a\nb", "mailto:a@b.c"] {
            assert!(Target::parse(no_url, Public).is_err(), "{no_url}");
        }
    }

    #[test]
    fn threat_22_every_spelling_of_a_private_address_is_refused() {
        for spelling in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.1.2.3/",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        ] {
            check(spelling, Reach::Public, Err(TargetError::Private));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_stays_the_same(text in ".{0,80}") {
            if let Ok(target) = Target::parse(&text, Reach::PublicAndThisMachine) {
                prop_assert_eq!(Target::parse(target.as_str(), Reach::PublicAndThisMachine), Ok(target));
            }
        }
    }
}
