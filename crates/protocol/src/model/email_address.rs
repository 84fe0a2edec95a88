//! Email addresses: which texts are valid, which are equivalent, and how they are passed to a mail server.
//!
//! A domain with non-ASCII letters has two spellings, `bücher.example` and `xn--bcher-kva.example` (RFC 5891 §4).
//! Browsers convert the first to the second in email fields, other programs mostly do not: both denote the same
//! mailbox.

/// The canonical form of an address, by which accounts are identified: lower case, with the domain in Unicode.
///
/// Also works on a prefix of an address, unless it ends within a Punycode label.
pub fn email_key(email: &str) -> String {
    match email.rsplit_once('@') {
        // ASCII-only case folding in the local part: other letters that fold together may denote different mailboxes.
        Some((local, domain)) => format!("{}@{}", local.to_ascii_lowercase(), domain_key(domain)),
        None => email.to_ascii_lowercase(),
    }
}

fn domain_key(domain: &str) -> String {
    if domain.is_ascii() && !domain.split('.').any(is_encoded) {
        return domain.to_ascii_lowercase();
    }
    // Folded by the IDNA rules, which are also used towards mail servers: other rules map a capital sigma to a
    // different letter.
    match idna::domain_to_unicode(domain) {
        (letters, Ok(())) => letters,
        // Not a registrable name: equal only to itself.
        (_, Err(_)) => domain.to_lowercase(),
    }
}

fn is_encoded(label: &str) -> bool {
    label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
}

/// The address in the form mail servers accept: most support only ASCII domains (RFC 6531 §3.7.1 makes others an
/// extension). Unchanged if its domain has no such form.
pub fn email_for_smtp(email: &str) -> String {
    let written = email.rsplit_once('@').filter(|(_, domain)| !domain.is_ascii()).and_then(|(local, domain)| {
        let domain = idna::domain_to_ascii(domain).ok()?;
        Some(format!("{local}@{domain}"))
    });
    written.unwrap_or_else(|| email.to_owned())
}

/// Whether a text is a valid address that mail can be sent to: a dot-atom before the `@` (RFC 5322 §3.2.3), then a host
/// name containing a dot (RFC 5321 §2.3.5), within the length limits of RFC 5321 §4.5.3. Quoted local parts exist, but
/// nobody uses them.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let in_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(in_atom);
    local.len() <= 64 && text.len() <= 254 && local.split('.').all(is_atom) && is_domain(domain)
}

/// Whether a text may be intended as an address: the check for addresses that are only looked up. Accounts may have
/// addresses that mail cannot be sent to, imported from elsewhere or created under laxer rules.
pub fn resembles_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    let is_part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    text.len() <= 254 && parts.is_some_and(|(local, domain)| is_part(local) && is_part(domain) && domain.contains('.'))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let in_letters = !domain.is_ascii() || domain.split('.').any(is_encoded);
    let in_ascii = if in_letters { idna::domain_to_ascii(domain) } else { Ok(domain.to_owned()) };
    in_ascii.is_ok_and(|domain| domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_spellings_of_a_domain_are_one_address() {
        let key = "ada@bücher.example";
        for same in [key, "ADA@BÜCHER.example", "ada@xn--bcher-kva.example", "Ada@XN--BCHER-KVA.Example"] {
            assert_eq!(email_key(same), key, "{same}");
        }
        assert_eq!(email_for_smtp(key), "ada@xn--bcher-kva.example");
        assert_eq!(email_for_smtp("Ada@Example.com"), "Ada@Example.com");
        // Letters that look alike, or that fold together under other rules, are distinct.
        for other in ["ada@bucher.example", "ada@buecher.example", "ada@b\u{fc}\u{441}her.example", "a@bücher.example"]
        {
            assert_ne!(email_key(other), key, "{other}");
        }
        assert_ne!(email_key("ada@straße.example"), email_key("ada@strasse.example"));
        // Two lower-case sigmas exist; the capital folds to only one of them.
        assert_eq!(email_key("ada@ΟΔΟΣ-1.gr"), "ada@οδοσ-1.gr");
        assert_ne!(email_key("ada@οδος-1.gr"), email_key("ada@ΟΔΟΣ-1.gr"));
        assert_eq!(email_key("ada@STRAẞE.example"), "ada@straße.example");
        // A label that decodes to nothing is left unchanged.
        for itself in ["ada@xn--a.example", "ada@xn--.example", "ada", "ada@", "@"] {
            assert_eq!((email_key(itself).as_str(), email_for_smtp(itself).as_str()), (itself, itself));
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_and_that_of_what_mail_servers_are_told(local in "[a-zA-Z.]{1,8}", domain in "[a-zA-ZäÖüßẞéÑσςΣΟΔİıKſф0-9中-]{1,12}\\.[a-zéΣ国]{2,6}") {
            let address = format!("{local}@{domain}");
            prop_assume!(is_email(&address));
            let key = email_key(&address);
            prop_assert_eq!(&email_key(&key), &key);
            prop_assert_eq!(&email_key(&email_for_smtp(&address)), &key);
            // One mailbox per key.
            prop_assert_eq!(email_for_smtp(&key).to_lowercase(), email_for_smtp(&address).to_lowercase());
        }

        #[test]
        fn any_text_has_a_key_and_that_one_stays(text in "\\PC{0,40}") {
            let key = email_key(&text);
            prop_assert_eq!(&email_key(&key), &key);
        }
    }

    #[test]
    fn what_is_looked_for_may_be_less_than_an_address() {
        for old in ["john.@docomo.ne.jp", "a..b@ezweb.ne.jp", "CORP\\john@corp.example", "svc:app@corp.example"] {
            assert!(resembles_email(old) && !is_email(old), "{old}");
        }
        for none in ["", "ada", "@b.co", "a@", "a@b", "a b@c.de", "a@b.co\n"] {
            assert!(!resembles_email(none), "{none}");
        }
    }

    #[test]
    fn an_address_is_one_that_mail_can_be_sent_to() {
        for good in ["a@b.co", "ada.lovelace+x@mail.example.com", "under@bücher.example", "o'hara@example.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..co",
            "a@-b.co",
            "a@b.co\n",
            "<a@b.co>",
            "a@b@c.co",
            "a,b@c.co",
            "\u{212a}ate@c.co",
            "john.@c.co",
            ".john@c.co",
            "jo..hn@c.co",
            "john@c.co.",
            "john@c-.co",
            "john@c_d.co",
            "john@xn--a.co",
            "john:x@c.co",
            "[john]@c.co",
            "john@[127.0.0.1]",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
