//! Rules shared by all self-registered clients, wherever their metadata comes from. All of that metadata is unverified.

use crate::model::{ClientType, EnvironmentKind};
use crate::oauth::redirect_uri::{self, RedirectUriError};
use url::{Host, Url};

/// Checks whether a self-registered client may have codes sent to a URI: over https; to a loopback address, including
/// `localhost`; or to a private-use scheme, if `own_scheme` allows it. Wildcards are never allowed, nor is plain http
/// to any other host, in any environment.
///
/// # Errors
/// See [`RedirectUriError`].
pub fn check_redirect_uri(uri: &str, own_scheme: bool) -> Result<(), RedirectUriError> {
    if uri.contains('*') {
        return Err(RedirectUriError::Wildcard);
    }
    let client_type = if own_scheme { ClientType::Public } else { ClientType::Confidential };
    // As in staging, where `localhost` is allowed; the plain http to other hosts that staging also allows is rejected
    // below.
    redirect_uri::check(uri, EnvironmentKind::Staging, client_type)?;
    if uri.starts_with("https:") || uri.starts_with("http:") {
        let url = Url::parse(uri).map_err(|_| RedirectUriError::NotAbsolute)?;
        return if url.scheme() == "https" || is_this_machine(&url) { Ok(()) } else { Err(RedirectUriError::NotHttps) };
    }
    // A URI not written with https or http must not be parsed as one: `HTTP:`.
    if Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http")) {
        return Err(RedirectUriError::NotAbsolute);
    }
    Ok(())
}

/// Whether a URL points to the user's own device.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether any program on the user's device can receive what is sent to this redirect URI: a loopback address or a
/// private-use scheme, which any program may claim (RFC 8252 §8.6).
pub fn stays_on_the_device(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| match url.scheme() {
        "https" => false,
        "http" => is_this_machine(&url),
        _ => true,
    })
}

/// Whether this redirect URI points to a listener on the user's own device (RFC 8252 §7.3).
pub fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "http" && is_this_machine(&url))
}

/// The origins of the pages that codes are sent to; these may read the token endpoint's responses.
pub fn origins(redirect_uris: &[String]) -> Vec<String> {
    let mut origins = Vec::new();
    for url in redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()) {
        let origin = url.origin().ascii_serialization();
        if matches!(url.scheme(), "https" | "http") && !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_go_over_https_or_stay_on_the_device() {
        for good in [
            "https://client.example/cb",
            "http://localhost/callback",
            "http://localhost:3000/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:9/cb",
        ] {
            assert_eq!(check_redirect_uri(good, false), Ok(()), "{good}");
        }
        assert_eq!(check_redirect_uri("cursor://anysphere.cursor-mcp/oauth/callback", true), Ok(()));
        assert!(check_redirect_uri("cursor://anysphere.cursor-mcp/oauth/callback", false).is_err());
        for bad in [
            "http://client.example/cb",
            "http://localhost.evil.example/cb",
            "http://169.254.169.254/",
            "https://*.client.example.com/cb",
            "http://127.0.0.1:*/cb",
            "https://client.example/cb#x",
            "https://user@client.example/cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:https://client.example/x",
            "/cb",
            "",
        ] {
            assert!(check_redirect_uri(bad, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_stays_on_the_device_is_known_as_such() {
        for uri in ["http://127.0.0.1:5000/cb", "http://localhost/cb", "http://[::1]/", "com.example.app:/cb"] {
            assert!(stays_on_the_device(uri), "{uri}");
        }
        for uri in ["https://client.example/cb", "https://localhost/cb", "http://client.example/cb"] {
            assert!(!stays_on_the_device(uri), "{uri}");
        }
    }

    #[test]
    fn the_pages_that_get_codes_may_redeem_them() {
        let uris = ["https://a.example/cb", "https://a.example/other", "http://localhost:3000/cb", "com.example:/cb"];
        assert_eq!(origins(&uris.map(str::to_owned)), ["https://a.example", "http://localhost:3000"]);
    }

    proptest! {
        #[test]
        fn no_code_of_a_strangers_goes_out_in_plain_text(text in "\\PC{0,40}|[a-zA-Z]{1,12}:[\\PC]{0,40}|http://[a-z0-9.:@]{1,20}/") {
            if check_redirect_uri(&text, true).is_ok() {
                let url = Url::parse(&text).unwrap();
                prop_assert!(url.scheme() != "http" || is_this_machine(&url));
                prop_assert!(!matches!(url.scheme(), "javascript" | "data" | "file"));
                prop_assert!(url.username().is_empty() && !text.contains(['#', '*']));
            }
        }
    }
}
