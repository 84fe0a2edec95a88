//! Domain names that organizations claim.

/// Public mail domains, which no organization can claim.
const PUBLIC_MAIL: [&str; 16] = [
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "mail.ru",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "yahoo.com",
    "yandex.ru",
];

/// Normalizes a domain to lower-case ASCII; `None` for anything an organization cannot own: an invalid domain, an IP
/// address, a public suffix such as `co.uk`, or a public mail service.
pub fn normalize(text: &str) -> Option<String> {
    if text.len() > 253 || text.is_empty() {
        return None;
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    if !text.chars().all(plain) {
        return None;
    }
    let url = url::Url::parse(&format!("https://{text}/")).ok()?;
    let Some(url::Host::Domain(domain)) = url.host() else {
        return None;
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let well_formed = domain.len() <= 253 && domain.split('.').all(label);
    let ownable = psl::domain(domain.as_bytes()).is_some() && !PUBLIC_MAIL.contains(&domain);
    (well_formed && ownable).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn domains_have_one_form() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(normalize(text).as_deref(), expected, "{text}");
        check("Foo-Corp.com", Some("foo-corp.com"));
        check("sub.foo.co.uk", Some("sub.foo.co.uk"));
        check("b\u{fc}cher.example", Some("xn--bcher-kva.example"));
        for bad in [
            "",
            "com",
            "co.uk",
            "localhost",
            "gmail.com",
            "127.0.0.1",
            "foo",
            "foo..com",
            "-foo.com",
            "foo.com.",
            "foo.com/x",
            "a@foo.com",
            "foo.com:1",
            "https://foo.com",
            "foo .com",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn normalizing_is_idempotent_and_never_panics(text in "\\PC{0,40}|[a-z.-]{1,20}") {
            if let Some(domain) = normalize(&text) {
                prop_assert_eq!(normalize(&domain), Some(domain));
            }
        }
    }
}
