//! A client's name on the wire: an identifier issued here, or the URL of the client's own metadata document.
//! Internally, every client has an identifier; that of a URL is derived from it, so it is known without a lookup.

use super::registration::document_url;
use crate::id::{ClientId, EnvironmentId, Id};
use aws_lc_rs::digest;
use std::borrow::Cow;
use std::fmt;

/// A client's name in requests, tokens and responses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientName<'a> {
    /// An identifier issued here.
    Issued(ClientId),
    /// The URL of the client's metadata document.
    Document(Cow<'a, str>),
}

impl<'a> ClientName<'a> {
    /// Parses a name; `None` if the text is not a valid client name.
    pub fn parse(text: &'a str) -> Option<Self> {
        match ClientId::parse(text) {
            Ok(id) => Some(Self::Issued(id)),
            Err(_) => document_url::check(text).is_ok().then_some(Self::Document(Cow::Borrowed(text))),
        }
    }

    /// The identifier under which an environment stores the client. For a URL it is half of a digest: finding another
    /// URL with the same one is infeasible, and the identifier does not work as a second name, because both are
    /// compared.
    pub fn id(&self, environment_id: EnvironmentId) -> ClientId {
        match self {
            Self::Issued(id) => *id,
            Self::Document(url) => {
                let text = format!("client metadata document {environment_id} {url}");
                let digest = digest::digest(&digest::SHA256, text.as_bytes());
                let bits = digest.as_ref().iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
                ClientId::from_ulid(bits)
            }
        }
    }

    /// Whether a text is exactly this name, byte for byte.
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::Issued(id) => ClientId::parse(text).is_ok_and(|named| named == *id),
            Self::Document(url) => url == text,
        }
    }

    /// The same name, with owned text.
    pub fn into_owned(self) -> ClientName<'static> {
        match self {
            Self::Issued(id) => ClientName::Issued(id),
            Self::Document(url) => ClientName::Document(Cow::Owned(url.into_owned())),
        }
    }
}

impl fmt::Display for ClientName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(id) => fmt::Display::fmt(id, f),
            Self::Document(url) => f.write_str(url),
        }
    }
}

impl serde::Serialize for ClientName<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URL: &str = "https://client.example/oauth/metadata.json";

    #[test]
    fn a_name_is_an_identifier_or_a_url() {
        let id = ClientId::from_ulid(7);
        assert_eq!(ClientName::parse(&id.to_string()), Some(ClientName::Issued(id)));
        assert_eq!(ClientName::parse(URL), Some(ClientName::Document(URL.into())));
        for nobody in
            ["", "client_", "nobody", "https://client.example", "http://client.example/x", "HTTPS://a.example/x"]
        {
            assert_eq!(ClientName::parse(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn the_identifier_of_a_url_is_no_name_for_it() {
        let name = ClientName::parse(URL).unwrap();
        let id = name.id(EnvironmentId::from_ulid(1));
        assert_eq!(id, ClientName::parse(URL).unwrap().id(EnvironmentId::from_ulid(1)));
        assert_ne!(id, name.id(EnvironmentId::from_ulid(2)), "every environment keeps its own");
        assert!(name.is(URL) && !name.is(&id.to_string()));
        assert!(!ClientName::Issued(id).is(URL));
    }

    proptest! {
        #[test]
        fn a_name_prints_as_it_was_read_and_is_itself_alone(text in "\\PC{0,40}|https://[a-z0-9.:/?#@%\\\\-]{0,40}") {
            if let Some(name) = ClientName::parse(&text) {
                prop_assert_eq!(name.to_string(), &*text);
                let longer = format!("{text}/");
                prop_assert!(name.is(&text) && !name.is(&longer));
            }
        }
    }
}
