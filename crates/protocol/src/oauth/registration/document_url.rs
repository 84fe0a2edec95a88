//! Rules for URLs that identify a client (draft-ietf-oauth-client-id-metadata-document §3).

use url::Url;

/// The maximum length of a URL that identifies a client. It is included in every token.
const MAX_LENGTH: usize = 500;

/// Why a URL cannot identify a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentUrlError {
    /// Not a URL, too long, or not in normal form, in which case two texts would identify one document.
    #[error("must be an https URL of at most 500 characters in its normal form, without dot segments")]
    NotNormal,
    /// A scheme other than https.
    #[error("must begin with https://")]
    NotHttps,
    /// `user:password@`.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// `#…`.
    #[error("must not contain a fragment")]
    Fragment,
    /// No path: the URL would stand for a whole site, and for anyone who can publish a page there.
    #[error("must have a path")]
    NoPath,
    /// An IP address: users are shown the host, and an address tells them nothing.
    #[error("must name a host, not an address")]
    Address,
    /// A port that belongs to another service.
    #[error("must have no port, or one above 1023")]
    Port,
}

/// Checks whether a URL can identify a client.
///
/// # Errors
/// See [`DocumentUrlError`].
pub fn check(text: &str) -> Result<(), DocumentUrlError> {
    use DocumentUrlError as E;
    let Some(rest) = text.strip_prefix("https://") else { return Err(E::NotHttps) };
    if text.len() > MAX_LENGTH || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Err(E::NotNormal);
    }
    if text.contains('#') {
        return Err(E::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(E::Credentials);
    }
    let url = Url::parse(text).map_err(|_| E::NotNormal)?;
    match url.host() {
        Some(url::Host::Domain(_)) => {}
        _ => return Err(E::Address),
    }
    if url.path() == "/" {
        return Err(E::NoPath);
    }
    // The parser resolves dot segments, including encoded ones, and normalizes hosts and ports.
    if url.as_str() != text {
        return Err(E::NotNormal);
    }
    if url.port().is_some_and(|port| port < 1024) { Err(E::Port) } else { Ok(()) }
}

/// The host of a checked URL as shown to users, including any port, since a different port is a different server.
pub fn host(checked: &str) -> &str {
    let rest = checked.strip_prefix("https://").unwrap_or(checked);
    rest.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_client_is_named_by_one_text() {
        use DocumentUrlError as E;
        for good in [
            "https://claude.ai/oauth/claude-code-client-metadata",
            "https://vscode.dev/oauth/client-metadata.json",
            "https://client.example:8443/x",
            "https://client.example/x?y=z",
            "https://client.example/a%20b/",
            "https://xn--bcher-kva.example/x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", E::NotHttps),
            ("http://client.example/x", E::NotHttps),
            ("HTTPS://client.example/x", E::NotHttps),
            ("https:/client.example/x", E::NotHttps),
            ("https://client.example", E::NoPath),
            ("https://client.example/", E::NoPath),
            ("https://client.example?x", E::NoPath),
            ("https://client.example/.", E::NoPath),
            ("https://client.example/a/../b", E::NotNormal),
            ("https://client.example/a/%2e%2e/b", E::NotNormal),
            ("https://client.example/a/%2E/b", E::NotNormal),
            ("https://client.example:443/x", E::NotNormal),
            ("https://Client.example/x", E::NotNormal),
            ("https://b\u{fc}cher.example/x", E::NotNormal),
            ("https://client.example/a b", E::NotNormal),
            ("https://client.example\\@evil.example/x", E::NotNormal),
            ("https:///client.example/x", E::NotNormal),
            ("https://client.example/x#y", E::Fragment),
            ("https://client.example/x#", E::Fragment),
            ("https://user@client.example/x", E::Credentials),
            ("https://user:word@client.example/x", E::Credentials),
            ("https://@client.example/x", E::Credentials),
            ("https://127.0.0.1/x", E::Address),
            ("https://2130706433/x", E::Address),
            ("https://0x7f.1/x", E::Address),
            ("https://[::1]/x", E::Address),
            ("https://client.example:22/x", E::Port),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
        assert_eq!(check(&format!("https://client.example/{}", "x".repeat(500))), Err(E::NotNormal));
    }

    #[test]
    fn people_see_the_host_with_its_port() {
        assert_eq!(host("https://client.example/x?y=z"), "client.example");
        assert_eq!(host("https://client.example:8443/x"), "client.example:8443");
        assert_eq!(host("https://client.example/@evil.example"), "client.example");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_host_that_is_asked(text in "https://[a-z0-9.:@/?%\\\\#-]{0,40}") {
            if check(&text).is_ok() {
                let url = Url::parse(&text).unwrap();
                let shown = host(&text);
                prop_assert_eq!(shown.split(':').next(), url.host_str());
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            }
        }
    }
}
