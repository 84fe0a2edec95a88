//! URLs of the company's own websites that users are sent to.

use super::EnvironmentKind;
use super::environment::is_this_machine;

/// The maximum length of an address, in bytes.
const MAX_LENGTH: usize = 2000;

/// A URL that users can be sent to. It is stored exactly as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress(String);

/// Why a text is not such a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebAddressError {
    /// Not a URL, or too long.
    #[error("must be an absolute URL of at most 2000 characters, without a backslash")]
    NotAUrl,
    /// A scheme other than https.
    #[error("must be https; http only on localhost, and not in production")]
    NotHttps,
    /// `user:password@`.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// `#…`.
    #[error("must not contain a fragment")]
    Fragment,
}

impl WebAddress {
    /// Parses an address for an environment of this kind.
    ///
    /// # Errors
    /// See [`WebAddressError`].
    pub fn parse(text: &str, kind: EnvironmentKind) -> Result<Self, WebAddressError> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>');
        if text.len() > MAX_LENGTH || !text.bytes().all(plain) {
            return Err(WebAddressError::NotAUrl);
        }
        let url = url::Url::parse(text).map_err(|_| WebAddressError::NotAUrl)?;
        let encrypted = text.starts_with("https://");
        let own = kind != EnvironmentKind::Production && text.starts_with("http://") && is_this_machine(&url);
        if !encrypted && !own {
            return Err(WebAddressError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebAddressError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(WebAddressError::Fragment);
        }
        Ok(Self(text.to_owned()))
    }

    /// Restores an address that was parsed earlier and stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its query has a parameter of this name.
    pub fn has(&self, parameter: &str) -> bool {
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == parameter)
    }

    /// The address with these parameters added. An existing query is preserved.
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut address = self.0.clone();
        for (name, value) in parameters {
            match address.split_once('?') {
                None => address.push('?'),
                Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
                Some(_) => address.push('&'),
            }
            address.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
            address.push('=');
            address.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, kind: EnvironmentKind, expected: Result<(), WebAddressError>) {
        assert_eq!(WebAddress::parse(text, kind).map(drop), expected, "{text}");
    }

    #[test]
    fn an_address_is_where_a_person_can_be_sent() {
        use EnvironmentKind::{Production, Staging};
        for good in
            ["https://app.example.com/login", "https://app.example.com/login?tenant=a&x", "https://10.0.0.1:8443"]
        {
            check(good, Staging, Ok(()));
            check(good, Production, Ok(()));
        }
        for local in ["http://localhost:3000/login", "http://127.0.0.1/login", "http://[::1]:3000/"] {
            check(local, Staging, Ok(()));
            check(local, Production, Err(WebAddressError::NotHttps));
        }
        check("http://app.example.com/login", Staging, Err(WebAddressError::NotHttps));
        check("http://localhost.evil.example/login", Staging, Err(WebAddressError::NotHttps));
        check("javascript:alert(1)", Staging, Err(WebAddressError::NotHttps));
        check("https:app.example.com", Staging, Err(WebAddressError::NotHttps));
        check("https://me:secret@app.example.com/", Staging, Err(WebAddressError::Credentials));
        check("https://app.example.com/#login", Staging, Err(WebAddressError::Fragment));
        for bad in [
            "",
            "/login",
            "https://app.example.com\\@evil.example",
            "https://app.example.com/a b",
            "https://b\u{fc}cher.example/",
        ] {
            check(bad, Staging, Err(WebAddressError::NotAUrl));
        }
    }

    #[test]
    fn a_query_that_is_there_stays() {
        let with = |text: &str, parameters: &[(&str, &str)]| {
            WebAddress::parse(text, EnvironmentKind::Production).unwrap().with(parameters)
        };
        for text in ["https://a.example/login", "https://a.example/login?"] {
            assert_eq!(with(text, &[("id", "1")]), "https://a.example/login?id=1");
        }
        for text in ["https://a.example/login?x=1", "https://a.example/login?x=1&"] {
            assert_eq!(with(text, &[("id", "1"), ("a b", "&=")]), "https://a.example/login?x=1&id=1&a+b=%26%3D");
        }
        assert_eq!(with("https://a.example/login", &[]), "https://a.example/login");
        let address = WebAddress::from_stored("https://a.example/?x=1&%61=2".into());
        assert!(address.has("x") && address.has("a") && !address.has("1"));
    }

    proptest! {
        #[test]
        fn threat_31_a_person_is_sent_to_the_host_that_was_checked(text in "https?://[a-z0-9.@:/?#&=%\\\\-]{0,40}|\\PC{0,40}") {
            if let Ok(address) = WebAddress::parse(&text, EnvironmentKind::Production) {
                let before = url::Url::parse(address.as_str()).unwrap();
                let after = url::Url::parse(&address.with(&[("token", "x")])).unwrap();
                prop_assert_eq!(before.origin(), after.origin());
                prop_assert_eq!(before.path(), after.path());
            }
        }
    }
}
