//! Sessions of pages that make requests themselves and whose refresh token is in a cookie they cannot read. A second
//! cookie tells such a page that a session exists: it contains no secret, only the clients that have a session.

use crate::id::ClientId;
use url::{Host, Url};

/// The cookie that pages look for.
pub const MARKER: &str = "workos-has-session";

/// The maximum number of clients in the cookie: environments whose issuers share a domain share it.
const MAX: usize = 8;

/// The hosts a cookie must be set for so that a page at another origin can read it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The issuer's own host, on any port: cookies ignore ports.
    Host,
    /// All hosts under this domain, which is a registrable domain or below one.
    Domain(String),
}

/// Returns which hosts an issuer's cookie must be set for so that a page of this origin can read it; `None` if it never
/// can.
pub fn reach(issuer: &str, page: &str) -> Option<Reach> {
    let (issuer, page) = (Url::parse(issuer).ok()?, Url::parse(page).ok()?);
    let (issuer, page) = (issuer.host()?, page.host()?);
    if issuer == page {
        return Some(Reach::Host);
    }
    let (Host::Domain(issuer), Host::Domain(page)) = (issuer, page) else { return None };
    let shared = issuer.rsplit('.').zip(page.rsplit('.')).take_while(|(one, other)| one == other).count();
    let labels: Vec<&str> = issuer.split('.').collect();
    let domain = labels.get(labels.len() - shared..)?.join(".");
    psl::domain(domain.as_bytes()).is_some().then_some(Reach::Domain(domain))
}

fn others(known: &str, client_id: ClientId) -> impl Iterator<Item = ClientId> {
    let read = known.split('.').take(MAX).filter_map(|text| ClientId::parse(text).ok());
    read.filter(move |known| *known != client_id)
}

/// The cookie's value once this client has a session.
pub fn marked(known: &str, client_id: ClientId) -> String {
    let all = std::iter::once(client_id).chain(others(known, client_id)).take(MAX);
    all.map(|id| id.to_string()).collect::<Vec<_>>().join(".")
}

/// The cookie's value once this client has no session; empty if no other client has one.
pub fn unmarked(known: &str, client_id: ClientId) -> String {
    others(known, client_id).map(|id| id.to_string()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    #[test]
    fn a_page_reads_cookies_of_hosts_it_shares_a_domain_with() {
        let domain = |name: &str| Some(Reach::Domain(name.to_owned()));
        for (issuer, page, expected) in [
            ("https://auth.example.com", "https://app.example.com", domain("example.com")),
            ("https://auth.example.com", "https://example.com", domain("example.com")),
            ("https://example.com", "https://app.example.com", domain("example.com")),
            ("https://auth.eu.example.com", "https://app.eu.example.com:8443", domain("eu.example.com")),
            ("https://auth.example.co.uk", "https://app.example.co.uk", domain("example.co.uk")),
            ("https://auth.example.com", "https://auth.example.com:8443", Some(Reach::Host)),
            ("http://localhost:8080", "http://localhost:3000", Some(Reach::Host)),
            ("http://127.0.0.1:8080", "http://127.0.0.1:3000", Some(Reach::Host)),
            // No shared domain, or only a public suffix, under which anyone can register names.
            ("https://auth.example.com", "https://app.example.org", None),
            ("https://one.co.uk", "https://two.co.uk", None),
            ("https://one.github.io", "https://two.github.io", None),
            ("https://auth.example.com", "https://auth.notexample.com", None),
            ("http://auth.localhost", "http://localhost", None),
            ("http://127.0.0.1", "http://127.1.0.1", None),
            ("https://auth.example.com", "null", None),
        ] {
            assert_eq!(reach(issuer, page), expected, "{issuer} {page}");
        }
    }

    #[test]
    fn the_marker_names_clients_and_nothing_else() {
        let [one, two] = [1, 2].map(ClientId::from_ulid);
        assert_eq!(marked("", one), one.to_string());
        assert_eq!(marked(&one.to_string(), one), one.to_string());
        let both = marked(&one.to_string(), two);
        assert_eq!(both, format!("{two}.{one}"));
        assert_eq!(marked("1.x;Domain=a.client_.", one), one.to_string());
        assert_eq!(unmarked(&both, two), one.to_string());
        assert_eq!(unmarked(&one.to_string(), one), "");
        assert_eq!(unmarked("1", one), "");
    }

    proptest! {
        #[test]
        fn noise_is_not_carried_along(known in "\\PC{0,400}", ulid: u128) {
            let client_id = ClientId::from_ulid(ulid);
            let text = marked(&known, client_id);
            prop_assert!(text.split('.').all(|part| ClientId::parse(part).is_ok()));
            prop_assert!(text.split('.').count() <= MAX);
        }

        #[test]
        fn origins_of_noise_never_panic(issuer in "(https://)?\\PC{0,40}", page in "(https://)?[a-z.]{0,40}") {
            if let Some(Reach::Domain(domain)) = reach(&issuer, &page) {
                prop_assert!(page.ends_with(&domain) || page.contains(&domain));
            }
        }
    }
}
