//! Which redirect URIs an application may register (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1).

use crate::model::{ClientType, EnvironmentKind, RedirectUri};
use url::{Host, Url};

/// The maximum length of a URI.
const MAX_LENGTH: usize = 2048;
/// More than any application needs.
pub const MAX_REDIRECT_URIS: usize = 100;

/// Why a redirect URI may not be registered. The text is a complete sentence for the developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI, or one that a browser would interpret differently.
    #[error("A redirect URI must be an absolute URI without white space.")]
    NotAbsolute,
    /// A fragment, which RFC 6749 §3.1.2 forbids.
    #[error("A redirect URI must not have a fragment.")]
    Fragment,
    /// A user name or password in the URI.
    #[error("A redirect URI must not carry credentials.")]
    Credentials,
    /// A scheme that browsers execute, or one that is not acceptable here.
    #[error("The scheme of this redirect URI is not allowed.")]
    Scheme,
    /// Plain http where only https is allowed.
    #[error("A redirect URI must be https; plain http is allowed for 127.0.0.1, and for localhost in staging.")]
    NotHttps,
    /// A wildcard in a position where none is allowed.
    #[error(
        "A wildcard may stand once, in the left-most label of an https host with at least two labels more, or as the port of localhost."
    )]
    Wildcard,
    /// A wildcard other than a port, where only a port may be one.
    #[error("A wildcard may stand only as the port of localhost or a loopback address.")]
    PortWildcardOnly,
    /// A wildcard entry marked as the default.
    #[error("A redirect URI with a wildcard cannot be the default.")]
    WildcardDefault,
    /// More than one default.
    #[error("Only one redirect URI can be the default.")]
    SeveralDefaults,
    /// The same URI twice.
    #[error("A redirect URI is listed twice.")]
    Repeated,
    /// Too many entries.
    #[error("Too many redirect URIs.")]
    TooMany,
}

/// Checks one URI for an application of this type in an environment of this kind.
///
/// # Errors
/// See [`RedirectUriError`].
pub fn check(uri: &str, kind: EnvironmentKind, client_type: ClientType) -> Result<(), RedirectUriError> {
    use RedirectUriError as E;
    if uri.is_empty() || uri.len() > MAX_LENGTH || !uri.bytes().all(|b| matches!(b, 0x21..=0x7E)) || uri.contains('\\')
    {
        return Err(E::NotAbsolute);
    }
    if uri.contains('#') {
        return Err(E::Fragment);
    }
    if uri.contains('*') {
        return check_wildcard(uri, kind);
    }
    let url = Url::parse(uri).map_err(|_| E::NotAbsolute)?;
    check_plain(uri, &url, kind, client_type)
}

/// Checks one URI for the environment's own application, which may be a program on the user's device as well as a
/// website: like a URI of a public client, and with no wildcard except as the port of a loopback host.
///
/// # Errors
/// See [`RedirectUriError`].
pub fn check_own(uri: &str, kind: EnvironmentKind) -> Result<(), RedirectUriError> {
    check(uri, kind, ClientType::Public)?;
    if uri.contains('*') && !is_port_wildcard(uri) { Err(RedirectUriError::PortWildcardOnly) } else { Ok(()) }
}

/// Whether a URI has a private-use scheme: programs on the user's device claim these for themselves, and nothing
/// prevents others from claiming the same one (RFC 8252 §7.1, §8.1).
pub fn is_private_use(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| !matches!(url.scheme(), "http" | "https"))
}

/// Whether the single wildcard of an already checked URI stands for a port.
pub fn is_port_wildcard(uri: &str) -> bool {
    uri.contains(":*")
}

fn check_plain(uri: &str, url: &Url, kind: EnvironmentKind, client_type: ClientType) -> Result<(), RedirectUriError> {
    use RedirectUriError as E;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(E::Credentials);
    }
    // Directly after the scheme, where both browsers and proxies look; not somewhere in the query.
    let written_host = uri
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"))
        .map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    match url.scheme() {
        "https" | "http" if written_host.is_none_or(str::is_empty) => Err(E::NotAbsolute),
        "https" => Ok(()),
        "http" => match url.host() {
            Some(Host::Ipv4(address)) if address.is_loopback() => Ok(()),
            Some(Host::Ipv6(address)) if address.is_loopback() => Ok(()),
            Some(_) if kind == EnvironmentKind::Staging => Ok(()),
            _ => Err(E::NotHttps),
        },
        // RFC 8252 §7.1: private-use schemes are for native, hence public, clients. Schemes that browsers interpret are
        // never allowed, nor are those that systems use for calls, messages, search or diagnostics.
        "javascript" | "data" | "vbscript" | "file" | "filesystem" | "blob" | "about" | "ftp" | "ws" | "wss"
        | "mailto" | "view-source" | "jar" | "chrome" | "intent" | "tel" | "callto" | "facetime" | "sms" | "search"
        | "search-ms" | "shell" | "itms-services" => Err(E::Scheme),
        system if system.starts_with("ms-") || system.starts_with("x-apple") => Err(E::Scheme),
        _ if client_type == ClientType::Public => Ok(()),
        _ => Err(E::Scheme),
    }
}

/// One wildcard: in the left-most label of an https host (in staging also http), or as the port of a loopback host.
fn check_wildcard(uri: &str, kind: EnvironmentKind) -> Result<(), RedirectUriError> {
    use RedirectUriError as E;
    let (scheme, rest) = uri.split_once("://").ok_or(E::Wildcard)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).ok_or(E::Wildcard)?;
    if uri.matches('*').count() != 1 || path.contains('*') {
        return Err(E::Wildcard);
    }
    if let Some(host) = authority.strip_suffix(":*") {
        let loopback = matches!(host, "127.0.0.1" | "[::1]");
        let localhost = host == "localhost" && kind == EnvironmentKind::Staging;
        let parses = Url::parse(&format!("{scheme}://{host}{path}")).is_ok();
        return if matches!(scheme, "http" | "https") && (loopback || localhost) && parses {
            Ok(())
        } else {
            Err(E::Wildcard)
        };
    }
    let allowed_scheme = scheme == "https" || (scheme == "http" && kind == EnvironmentKind::Staging);
    let (label, parent) = authority.split_once('.').ok_or(E::Wildcard)?;
    let label_is_good = label.contains('*') && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"*-_".contains(&b));
    let url = Url::parse(&format!("{scheme}://{parent}{path}")).map_err(|_| E::Wildcard)?;
    let Some(Host::Domain(domain)) = url.host() else {
        return Err(E::Wildcard);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(E::Credentials);
    }
    // A wildcard directly under a public suffix would match other people's domains.
    let registrable = psl::domain(domain.as_bytes()).is_some();
    if allowed_scheme && label_is_good && registrable { Ok(()) } else { Err(E::Wildcard) }
}

/// Checks a whole set and determines the default entry: the marked one, or else the first without a wildcard.
///
/// # Errors
/// The first problem found, see [`RedirectUriError`].
pub fn settle(
    entries: Vec<(String, bool)>,
    kind: EnvironmentKind,
    client_type: ClientType,
) -> Result<Vec<RedirectUri>, RedirectUriError> {
    if entries.len() > MAX_REDIRECT_URIS {
        return Err(RedirectUriError::TooMany);
    }
    let mut settled: Vec<RedirectUri> = Vec::with_capacity(entries.len());
    for (uri, default) in entries {
        check(&uri, kind, client_type)?;
        if default && uri.contains('*') {
            return Err(RedirectUriError::WildcardDefault);
        }
        if settled.iter().any(|known| known.uri == uri) {
            return Err(RedirectUriError::Repeated);
        }
        if default && settled.iter().any(|known| known.default) {
            return Err(RedirectUriError::SeveralDefaults);
        }
        settled.push(RedirectUri { uri, default });
    }
    if !settled.iter().any(|entry| entry.default)
        && let Some(first) = settled.iter_mut().find(|entry| !entry.uri.contains('*'))
    {
        first.default = true;
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use EnvironmentKind::{Production, Staging};
    use RedirectUriError as E;
    use proptest::prelude::*;

    #[test]
    fn plain_uris() {
        let confidential = |uri, kind| check(uri, kind, ClientType::Confidential);
        assert_eq!(confidential("https://partner.example/cb?x=1", Production), Ok(()));
        assert_eq!(confidential("http://partner.example/cb", Production), Err(E::NotHttps));
        assert_eq!(confidential("http://partner.example/cb", Staging), Ok(()));
        assert_eq!(confidential("http://localhost:3000/cb", Production), Err(E::NotHttps));
        assert_eq!(confidential("http://localhost:3000/cb", Staging), Ok(()));
        assert_eq!(confidential("http://127.0.0.1/cb", Production), Ok(()));
        assert_eq!(confidential("http://[::1]:9/cb", Production), Ok(()));
        assert_eq!(confidential("https://partner.example/cb#x", Production), Err(E::Fragment));
        assert_eq!(confidential("https://a:b@partner.example/cb", Production), Err(E::Credentials));
        for bad in [
            "",
            "/cb",
            "partner.example/cb",
            "https:///cb",
            "https:partner.example",
            "https:partner.example/?x=://y",
            "https://partner.example/ cb",
            "https://partner.example\\@evil.example",
            "https://p\u{e4}rtner.example",
        ] {
            assert_eq!(confidential(bad, Staging), Err(E::NotAbsolute), "{bad}");
        }
    }

    #[test]
    fn private_schemes_are_for_public_clients() {
        assert_eq!(check("com.example.app:/cb", Production, ClientType::Public), Ok(()));
        assert_eq!(check("warp://auth/cb", Production, ClientType::Public), Ok(()));
        assert_eq!(check("warp://auth/cb", Production, ClientType::Confidential), Err(E::Scheme));
        for bad in
            ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x"]
        {
            assert_eq!(check(bad, Staging, ClientType::Public), Err(E::Scheme), "{bad}");
        }
    }

    #[test]
    fn threat_25_wildcards_stand_in_one_place_only() {
        let production = |uri| check(uri, Production, ClientType::Confidential);
        assert_eq!(production("https://*.partner.example.com/cb"), Ok(()));
        assert_eq!(production("https://pre-*-post.partner.com/cb"), Ok(()));
        assert_eq!(production("http://127.0.0.1:*/cb"), Ok(()));
        assert_eq!(check("http://localhost:*/cb", Staging, ClientType::Confidential), Ok(()));
        for bad in [
            "https://*/cb",
            "https://*.com/cb",
            "https://*.co.uk/cb",
            "https://a.*.com/cb",
            "https://*.*.partner.com/cb",
            "https://partner.com/*",
            "https://partner.com/cb?x=*",
            "http://*.partner.com/cb",
            "https://partner.com:*/cb",
            "http://localhost:*/cb",
            "*://partner.com/cb",
            "https://*.127.0.0.1/cb",
            "https://x@*.partner.com/cb",
            "https://*",
            "*",
        ] {
            assert_eq!(production(bad), Err(E::Wildcard), "{bad}");
        }
    }

    #[test]
    fn threat_25_an_environments_own_application_has_no_wildcards_but_ports() {
        assert_eq!(check_own("https://app.example.com/cb", Production), Ok(()));
        assert_eq!(check_own("http://127.0.0.1:*/cb", Production), Ok(()));
        assert_eq!(check_own("http://localhost:*/cb", Staging), Ok(()));
        assert_eq!(check_own("https://*.app.example.com/cb", Production), Err(E::PortWildcardOnly));
        assert_eq!(check_own("http://localhost:*/cb", Production), Err(E::Wildcard));
        assert_eq!(check_own("https://app.example.com:*/cb", Staging), Err(E::Wildcard));
        assert_eq!(check_own("https://app.example.com/cb?x=:*", Staging), Err(E::Wildcard));
        for (uri, expected) in [
            ("com.example.app:/cb", Ok(())),
            ("com.example.app://cb", Ok(())),
            ("javascript:alert(1)", Err(E::Scheme)),
            ("data:text/html,x", Err(E::Scheme)),
            ("com.example.app:/cb#x", Err(E::Fragment)),
            ("com.example.app:/*", Err(E::Wildcard)),
            ("com.example.*:/cb", Err(E::Wildcard)),
            ("com.example.app://x:*/cb", Err(E::Wildcard)),
        ] {
            assert_eq!(check_own(uri, Production), expected, "{uri}");
        }
    }

    #[test]
    fn what_programs_claim_for_themselves() {
        for (uri, is) in [
            ("com.example.app:/cb", true),
            ("COM.example.app:/cb", true),
            ("warp://auth/cb", true),
            ("https://a.example/cb", false),
            ("HTTPS://a.example/cb", false),
            ("http://127.0.0.1:9/cb", false),
            ("/cb", false),
        ] {
            assert_eq!(is_private_use(uri), is, "{uri}");
        }
    }

    #[test]
    fn there_is_one_default() {
        let settle = |entries: &[(&str, bool)]| {
            settle(
                entries.iter().map(|(uri, d)| ((*uri).to_owned(), *d)).collect(),
                Production,
                ClientType::Confidential,
            )
            .map(|settled| settled.iter().map(|entry| entry.default).collect::<Vec<_>>())
        };
        assert_eq!(settle(&[]), Ok(vec![]));
        assert_eq!(settle(&[("https://a.example/", false), ("https://b.example/", false)]), Ok(vec![true, false]));
        assert_eq!(settle(&[("https://a.example/", false), ("https://b.example/", true)]), Ok(vec![false, true]));
        assert_eq!(
            settle(&[("https://*.a.example.com/", false), ("https://b.example/", false)]),
            Ok(vec![false, true])
        );
        assert_eq!(settle(&[("https://*.a.example.com/", true)]), Err(E::WildcardDefault));
        assert_eq!(settle(&[("https://a.example/", true), ("https://b.example/", true)]), Err(E::SeveralDefaults));
        assert_eq!(settle(&[("https://a.example/", true), ("https://a.example/", false)]), Err(E::Repeated));
    }

    proptest! {
        #[test]
        fn checking_noise_never_panics_and_never_lets_a_script_through(text in "\\PC{0,60}|[a-z]{1,12}:[\\PC]{0,40}") {
            for kind in [Production, Staging] {
                if check(&text, kind, ClientType::Public).is_ok() {
                    let lower = text.to_ascii_lowercase();
                    prop_assert!(!lower.starts_with("javascript:") && !lower.starts_with("data:"));
                    prop_assert!(!text.contains('#'));
                }
            }
        }
    }
}
