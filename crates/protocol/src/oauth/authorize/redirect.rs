//! Where a response may be sent: only to a redirect URI proven to belong to the client.

use crate::model::{ApplicationKind, ClientType, Ownership};
use crate::oauth::client::Client;
use crate::oauth::redirect_uri::is_port_wildcard;
use url::form_urlencoded;

/// The maximum length of a URI.
const MAX_LENGTH: usize = 2048;

/// A redirect URI registered for the client. Only [`prove`] and [`prove_listed`] create one, and nothing is ever
/// redirected to an application without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenRedirect(String);

impl ProvenRedirect {
    /// The URI, as requested.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI's host, for showing users where they are being sent; its scheme if it has no host.
    pub fn host(&self) -> String {
        let url = url::Url::parse(&self.0).ok();
        let host = url.as_ref().and_then(|url| url.host_str().map(str::to_owned));
        host.or_else(|| url.map(|url| url.scheme().to_owned())).unwrap_or_default()
    }

    /// The URI with parameters added to its query (RFC 6749 §4.1.2); an existing query is left as it is.
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        let separator = match self.0.find('?') {
            None => "?",
            Some(at) if at + 1 == self.0.len() || self.0.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.0, query.finish())
    }
}

/// Finds the requested URI among the registered ones. They must be equal as text (RFC 6749 §3.1.2.3, RFC 9700 §2.1),
/// except that the loopback address of a public or self-registered client may have any port (RFC 8252 §7.3), and a
/// wildcard matches one label or one port.
pub fn prove(client: &Client, requested: &str) -> Option<ProvenRedirect> {
    let ApplicationKind::OAuth { redirect_uris, client_type, ownership, .. } = &client.application.kind else {
        return None;
    };
    let any_port = *client_type == ClientType::Public || *ownership == Ownership::DynamicallyRegistered;
    let matches = |registered: &str| {
        requested == registered
            || matches_wildcard(registered, requested)
            || (any_port && is_same_but_for_loopback_port(registered, requested))
    };
    (is_plain(requested) && redirect_uris.iter().any(|entry| matches(&entry.uri)))
        .then(|| ProvenRedirect(requested.to_owned()))
}

/// Finds the requested URI among those of the environment's own application. They must be equal as text, except that a
/// port wildcard matches any port.
pub fn prove_listed<'a>(listed: impl IntoIterator<Item = &'a str>, requested: &str) -> Option<ProvenRedirect> {
    let matches = |known: &str| requested == known || (is_port_wildcard(known) && matches_wildcard(known, requested));
    (is_plain(requested) && listed.into_iter().any(matches)).then(|| ProvenRedirect(requested.to_owned()))
}

/// Whether a text contains nothing that a browser would interpret differently.
fn is_plain(requested: &str) -> bool {
    requested.len() <= MAX_LENGTH
        && requested.bytes().all(|b| matches!(b, 0x21..=0x7E) && !matches!(b, b'#' | b'\\' | b'*'))
}

fn matches_wildcard(registered: &str, requested: &str) -> bool {
    let Some((before, after)) = registered.split_once('*') else { return false };
    let Some(middle) = requested.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) else { return false };
    let is_port = before.ends_with(':');
    !middle.is_empty()
        && middle.len() <= if is_port { 5 } else { 63 }
        && middle
            .bytes()
            .all(|b| if is_port { b.is_ascii_digit() } else { b.is_ascii_alphanumeric() || b"-_".contains(&b) })
}

/// Whether two loopback http URIs, or origins, differ at most in their port.
pub fn is_same_but_for_loopback_port(one: &str, other: &str) -> bool {
    without_loopback_port(one).is_some_and(|one| without_loopback_port(other) == Some(one))
}

/// Splits a loopback http URI into the parts before and after its port.
pub(crate) fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let host =
        ["http://127.0.0.1", "http://[::1]", "http://localhost"].into_iter().find(|host| uri.starts_with(host))?;
    let rest = uri.strip_prefix(host)?;
    let rest = match rest.strip_prefix(':') {
        Some(port_and_path) => {
            let end = port_and_path.find(['/', '?']).unwrap_or(port_and_path.len());
            let (port, path) = port_and_path.split_at_checked(end)?;
            if !(1..=5).contains(&port.len()) || !port.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            path
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ConnectApplication, RedirectUri};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    pub(crate) fn client(client_type: ClientType, ownership: Ownership, uris: &[&str]) -> Client {
        let redirect_uris = uris.iter().map(|uri| RedirectUri { uri: (*uri).to_owned(), default: false }).collect();
        let epoch = Timestamp::from_millis(0);
        Client {
            environment_id: Id::from_ulid(1),
            application: ConnectApplication {
                id: Id::from_ulid(2),
                client_id: Id::from_ulid(3),
                metadata_url: None,
                name: "x".into(),
                description: None,
                scopes: vec!["posts:read".into()],
                kind: ApplicationKind::OAuth {
                    ownership,
                    client_type,
                    redirect_uris,
                    cors_origins: vec![],
                    backchannel_logout_uri: None,
                },
                created_at: epoch,
                updated_at: epoch,
            },
            secrets: vec![],
            logo: Default::default(),
            login_uri: None,
            registered: None,
        }
    }

    fn check(client_type: ClientType, registered: &str, requested: &str, expected: bool) {
        let proven = prove(&client(client_type, Ownership::FirstParty, &[registered]), requested);
        assert_eq!(proven.is_some(), expected, "{registered} {requested}");
        assert!(proven.is_none_or(|proven| proven.as_str() == requested));
    }

    #[test]
    fn threat_26_uris_are_compared_as_text() {
        let same = |registered, requested, expected| check(ClientType::Confidential, registered, requested, expected);
        same("https://a.example/cb", "https://a.example/cb", true);
        for other in [
            "https://a.example/cb/",
            "https://a.example/cb?x=1",
            "https://a.example/CB",
            "https://A.example/cb",
            "https://a.example:443/cb",
            "https://a.example/cb#f",
            "https://a.example/../cb",
            "https://a.example.evil.example/cb",
            "https://a.example@evil.example/cb",
            "http://a.example/cb",
            "",
        ] {
            same("https://a.example/cb", other, false);
        }
        same("https://a.example/c.b", "https://a.example/cxb", false);
        same("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", false);
    }

    #[test]
    fn a_public_clients_loopback_port_is_its_own_affair() {
        let public = |registered, requested, expected| check(ClientType::Public, registered, requested, expected);
        public("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true);
        public("http://127.0.0.1:3000/cb", "http://127.0.0.1:51004/cb", true);
        public("http://[::1]/cb", "http://[::1]:51004/cb", true);
        public("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", false);
        public("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x", false);
        public("http://127.0.0.1/cb", "http://localhost:51004/cb", false);
        public("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false);
        public("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", false);
        public("http://127.0.0.1", "http://127.0.0.1@evil.example", false);
        public("https://a.example/cb", "https://a.example:8443/cb", false);
    }

    #[test]
    fn threat_27_a_wildcard_is_one_label() {
        let wild =
            |requested, expected| check(ClientType::Confidential, "https://*.a.example.com/cb", requested, expected);
        wild("https://pr-12.a.example.com/cb", true);
        wild("https://.a.example.com/cb", false);
        wild("https://x.y.a.example.com/cb", false);
        wild("https://evil.example/x.a.example.com/cb", false);
        wild("https://evil.example?x.a.example.com/cb", false);
        wild("https://xa.example.com/cb", false);
        check(ClientType::Confidential, "http://localhost:*/cb", "http://localhost:65535/cb", true);
        check(ClientType::Confidential, "http://localhost:*/cb", "http://localhost:1@evil.example/cb", false);
    }

    #[test]
    fn threat_25_of_an_environments_own_uris_only_a_port_may_differ() {
        let listed = ["https://a.example/cb", "http://localhost:*/cb", "https://*.b.example.com/cb"];
        for good in ["https://a.example/cb", "http://localhost:1/cb", "http://localhost:65535/cb"] {
            assert_eq!(prove_listed(listed, good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "http://localhost/cb",
            "http://localhost:/cb",
            "http://localhost:*/cb",
            "http://localhost:1@evil.example/cb",
            "http://localhost:123456/cb",
            "https://x.b.example.com/cb",
            "https://*.b.example.com/cb",
            "https://a.example/cb/",
            "https://a.example:443/cb",
        ] {
            assert_eq!(prove_listed(listed, bad), None, "{bad}");
        }
    }

    #[test]
    fn parameters_join_a_query_that_is_there() {
        let add = |uri: &str| ProvenRedirect(uri.to_owned()).with_query(&[("code", "a b"), ("state", "x&y=z")]);
        assert_eq!(add("https://a.example/cb"), "https://a.example/cb?code=a+b&state=x%26y%3Dz");
        assert_eq!(add("https://a.example/cb?k=v"), "https://a.example/cb?k=v&code=a+b&state=x%26y%3Dz");
        assert_eq!(add("https://a.example/cb?"), "https://a.example/cb?code=a+b&state=x%26y%3Dz");
        assert_eq!(add("com.example.app:/cb"), "com.example.app:/cb?code=a+b&state=x%26y%3Dz");
    }

    proptest! {
        #[test]
        fn threat_28_nothing_is_proven_that_is_not_registered(requested in "\\PC{0,40}|https://[a-z.@:/?#\\\\*-]{0,40}") {
            let listed = prove_listed(["https://a.example/cb", "http://127.0.0.1:*/cb"], &requested);
            let stays = listed.is_none_or(|proven| {
                let url = url::Url::parse(proven.as_str()).unwrap();
                matches!(url.host_str().unwrap(), "a.example" | "127.0.0.1") && url.username().is_empty()
            });
            prop_assert!(stays);
            let uris = ["https://a.example/cb", "https://*.b.example.com/cb", "http://127.0.0.1/cb"];
            if let Some(proven) = prove(&client(ClientType::Public, Ownership::FirstParty, &uris), &requested) {
                let url = url::Url::parse(proven.as_str()).unwrap();
                let host = url.host_str().unwrap();
                prop_assert!(host == "a.example" || host == "127.0.0.1" || host.ends_with(".b.example.com"));
            }
        }
    }
}
