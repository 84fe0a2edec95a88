//! How long a fetched document stays fresh (RFC 9111), within our own bounds, and which of its changes matter to users.

use super::document::Document;
use super::document_url::{check, host};
use super::redirect_policy::stays_on_the_device;
use crate::time::Timestamp;
use url::Url;

/// The minimum freshness lifetime, in seconds, whatever its server says, so that it is not fetched at every sign-in.
pub const LEAST: i64 = 300;
/// The maximum freshness lifetime, in seconds: the longest it takes for a removed redirect URI to be noticed.
pub const MAX: i64 = 86_400;
/// The freshness lifetime if the headers specify none, in seconds.
const USUAL: i64 = 3600;
/// How long after that a document is still accepted while its server is unreachable, in seconds.
pub const STALE: i64 = 86_400;

/// Returns when a document fetched at this moment with these headers stops being fresh.
pub fn fresh_until(cache_control: Option<&str>, expires: Option<&str>, fetched_at: Timestamp) -> Timestamp {
    let seconds = match cache_control.map(directives) {
        Some(Directives { forbids: true, .. }) => LEAST,
        Some(Directives { shared: Some(age), .. } | Directives { own: Some(age), .. }) => age,
        _ => match expires.map(jiff::fmt::rfc2822::parse) {
            Some(Ok(moment)) => moment.timestamp().as_second() - fetched_at.as_secs(),
            // An invalid date, such as `0`, counts as in the past (RFC 9111 §5.3).
            Some(Err(_)) => LEAST,
            None => USUAL,
        },
    };
    fetched_at.plus_secs(seconds.clamp(LEAST, MAX))
}

#[derive(Default)]
struct Directives {
    forbids: bool,
    shared: Option<i64>,
    own: Option<i64>,
}

fn directives(header: &str) -> Directives {
    let mut read = Directives::default();
    for directive in header.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let seconds = || value.trim().trim_matches('"').parse::<u32>().ok().map(i64::from);
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" | "private" => read.forbids = true,
            "s-maxage" => read.shared = seconds(),
            "max-age" => read.own = seconds(),
            _ => {}
        }
    }
    read
}

/// Whether users who consented to a client must be asked again: its name has changed, or codes may go to a host or a
/// program that could not receive them before.
pub fn is_another(before: &Document, now: &Document) -> bool {
    let places = |document: &Document| -> Vec<String> {
        let place = |uri: &String| {
            let url = Url::parse(uri).ok()?;
            // A different port is a different server, except on the user's own device, where any port is accepted.
            let port = url.port().filter(|_| !stays_on_the_device(uri));
            Some(format!("{} {} {port:?}", url.scheme(), url.host_str().unwrap_or("")))
        };
        document.redirect_uris.iter().filter_map(place).collect()
    };
    let known = places(before);
    before.name != now.name || places(now).iter().any(|place| !known.contains(place))
}

/// Whether a stale document may still be accepted while its server is unreachable.
pub fn is_still_believed(fresh_until: Timestamp, now: Timestamp) -> bool {
    now < fresh_until.plus_secs(STALE)
}

/// Whether a URL's host is on an operator's list: by name, or as a subdomain under an entry such as `*.example.com`. A
/// port must be part of the entry.
pub fn is_listed(url: &str, listed: &[String]) -> bool {
    let host = host(url);
    listed.iter().any(|entry| match entry.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|label| label.len() > 1 && label.ends_with('.')),
        None => host == entry,
    })
}

/// Whether an entry is valid for the list of hosts.
pub fn is_host_entry(entry: &str) -> bool {
    let name = entry.strip_prefix("*.").unwrap_or(entry);
    let url = format!("https://{name}/x");
    !name.contains('*') && name.len() <= 253 && check(&url).is_ok() && host(&url) == name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RegisteredGrants;
    use proptest::prelude::*;

    fn seconds(cache_control: Option<&str>, expires: Option<&str>) -> i64 {
        let now = Timestamp::from_millis(784_111_777_000);
        fresh_until(cache_control, expires, now).as_secs() - now.as_secs()
    }

    #[test]
    fn a_document_is_good_for_as_long_as_its_server_says_within_bounds() {
        assert_eq!(seconds(None, None), USUAL);
        assert_eq!(seconds(Some("public, max-age=1800"), None), 1800);
        assert_eq!(seconds(Some("max-age=1800, s-maxage=900"), None), 900);
        assert_eq!(seconds(Some("MAX-AGE=\"1800\""), None), 1800);
        assert_eq!(seconds(Some("max-age=31536000, immutable"), None), MAX);
        for least in ["max-age=0", "no-store", "max-age=1800, no-cache", "private, max-age=1800"] {
            assert_eq!(seconds(Some(least), None), LEAST, "{least}");
        }
        assert_eq!(seconds(None, Some("Sun, 06 Nov 1994 09:00:00 GMT")), 623);
        assert_eq!(seconds(Some("max-age=1800"), Some("Sun, 06 Nov 1994 09:00:00 GMT")), 1800);
        assert_eq!(seconds(None, Some("Sun, 06 Nov 1984 08:49:37 GMT")), LEAST);
        assert_eq!(seconds(None, Some("0")), LEAST);
        assert_eq!(seconds(Some("max-age=nonsense"), None), USUAL);
    }

    #[test]
    fn people_are_asked_again_when_it_matters() {
        let document = |name: &str, uris: &[&str]| Document {
            name: name.to_owned(),
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            grants: Default::default(),
        };
        let before = document("Example", &["https://a.example/cb", "http://127.0.0.1/cb"]);
        assert!(!is_another(&before, &before));
        assert!(!is_another(&before, &Document { grants: RegisteredGrants::UNSAID, ..before.clone() }));
        assert!(!is_another(&before, &document("Example", &["https://a.example/other"])));
        assert!(is_another(&before, &document("Example 2", &["https://a.example/cb"])));
        assert!(is_another(&before, &document("Example", &["https://a.example/cb", "https://b.example/cb"])));
        assert!(is_another(&before, &document("Example", &["https://a.example:8443/cb"])), "a port is another server");
        let here = document("Example", &["http://localhost:3000/cb"]);
        assert!(!is_another(&here, &document("Example", &["http://localhost:4000/cb"])), "but on one's own device");
        assert!(is_another(&before, &document("Example", &["http://localhost/cb"])));
        assert!(is_another(&before, &document("Example", &["com.example:/cb"])));
    }

    #[test]
    fn a_list_names_hosts_and_what_is_below_them() {
        let listed = ["claude.ai", "*.example.com", "dev.example.org:8443"].map(str::to_owned);
        for good in [
            "https://claude.ai/x",
            "https://a.example.com/x",
            "https://a.b.example.com/x",
            "https://dev.example.org:8443/x",
        ] {
            assert!(is_listed(good, &listed), "{good}");
        }
        for bad in [
            "https://www.claude.ai/x",
            "https://claude.ai.evil.example/x",
            "https://evilclaude.ai/x",
            "https://claude.ai:8443/x",
            "https://example.com/x",
            "https://evilexample.com/x",
            "https://evil.example/claude.ai",
            "https://dev.example.org/x",
        ] {
            assert!(!is_listed(bad, &listed), "{bad}");
        }
        for good in ["claude.ai", "*.example.com", "localhost", "dev.example.org:8443", "xn--bcher-kva.example"] {
            assert!(is_host_entry(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "a/b",
            "https://claude.ai",
            "Claude.ai",
            "a.*.b",
            "10.0.0.1",
            "a b",
            "u@a.example",
            "a.example:22",
        ] {
            assert!(!is_host_entry(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_time_is_bounded_whatever_is_said(cache_control in "[ -~]{0,40}", expires in "[ -~]{0,40}", with: bool) {
            let seconds = seconds(with.then_some(cache_control.as_str()), Some(&expires));
            prop_assert!((LEAST..=MAX).contains(&seconds));
        }
    }
}
