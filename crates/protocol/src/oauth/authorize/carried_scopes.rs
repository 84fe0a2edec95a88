//! The scopes of an authorization, as carried in its code.

use super::request::default_scopes;
use crate::oauth::client::Client;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The length of a SHA-256 digest in base64url, in characters.
const DIGEST_LENGTH: usize = 43;

/// A list of scopes, or their digest if the client requested its default scopes: an application may be assigned two
/// hundred scopes, and URLs have a length limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CarriedScopes {
    /// Explicit scopes.
    These(Vec<String>),
    /// The digest of the client's default scopes at the time.
    Default(String),
}

impl CarriedScopes {
    /// Creates the carried form of a request's scopes.
    pub fn new(scopes: &[String], client: &Client) -> Self {
        // In JSON, each scope adds two quotes and a comma.
        let longer = scopes.iter().map(|scope| scope.len() + 3).sum::<usize>() > DIGEST_LENGTH;
        if longer && scopes == default_scopes(client) {
            Self::Default(digest_of(scopes))
        } else {
            Self::These(scopes.to_vec())
        }
    }

    /// Returns the scopes; `None` if the client's assigned scopes have changed since.
    pub fn of(&self, client: &Client) -> Option<Vec<String>> {
        match self {
            Self::These(scopes) => Some(scopes.clone()),
            Self::Default(digest) => {
                let scopes = default_scopes(client);
                (digest_of(&scopes) == *digest).then_some(scopes)
            }
        }
    }
}

/// Scopes contain no spaces (RFC 6749 §3.3).
fn digest_of(scopes: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, scopes.join(" ").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::redirect::tests::client;
    use super::*;
    use crate::model::{ClientType, Ownership};
    use proptest::prelude::*;

    fn assigned(scopes: &[String]) -> Client {
        let mut client = client(ClientType::Confidential, Ownership::FirstParty, &["https://a.example/cb"]);
        client.application.scopes = scopes.to_vec();
        client
    }

    proptest! {
        #[test]
        fn what_is_carried_is_what_was_asked_for(
            of_client in prop::collection::vec("[a-z:]{1,48}", 0..200),
            asked in prop::collection::vec("[a-z:]{1,48}", 0..5),
        ) {
            let client = assigned(&of_client);
            for scopes in [asked, default_scopes(&client)] {
                let carried = CarriedScopes::new(&scopes, &client);
                let text = serde_json::to_string(&carried).unwrap();
                prop_assert_eq!(serde_json::from_str::<CarriedScopes>(&text).unwrap(), carried.clone());
                prop_assert_eq!(carried.of(&client), Some(scopes.clone()));
                if scopes == default_scopes(&client) {
                    prop_assert!(text.len() < 60, "{}", text);
                }
            }
        }
    }

    #[test]
    fn what_was_meant_by_nothing_in_particular_is_not_what_is_meant_since() {
        let scopes: Vec<String> = (0..20).map(|number| format!("docs:read:{number}")).collect();
        let before = assigned(&scopes);
        let carried = CarriedScopes::new(&default_scopes(&before), &before);
        assert!(matches!(carried, CarriedScopes::Default(_)));
        let since: Vec<String> = scopes.into_iter().chain(["docs:write".to_owned()]).collect();
        assert_eq!(carried.of(&assigned(&since)), None);
        assert!(carried.of(&before).is_some());
    }
}
