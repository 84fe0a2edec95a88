//! Passing the secret to an authenticator app: as text (RFC 4648 §6), or in an `otpauth://` URI shown as a QR code.
//! Secrets have 20 bytes, the length of the hash (RFC 4226 §4).

use super::totp::{DIGITS, PERIOD};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The number of bytes in a secret generated here.
pub const SECRET_BYTES: usize = 20;
/// The minimum number of bytes in an imported secret (RFC 4226 §4, R6).
const MIN: usize = 16;
/// The maximum number of bytes in an imported secret.
const MAX: usize = 64;

/// The maximum length of the escaped issuer in bytes; the URI contains it twice. Together with the account, the secret
/// and the rest, the URI stays below 2,953 bytes.
const MAX_ISSUER_LENGTH: usize = 600;
/// The maximum length of the escaped account name, in bytes.
const MAX_ACCOUNT_LENGTH: usize = 1000;

/// The characters to escape in the URI: all but the unreserved ones (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a secret as text.
pub fn to_text(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// Parses an imported secret: base32 in upper or lower case, with or without padding, spaces and hyphens. `None` for
/// anything else, or if it is shorter than 16 or longer than 64 bytes.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    if text.len() > 4 * MAX {
        return None;
    }
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let secret = BASE32_NOPAD.decode(plain.as_bytes()).ok()?;
    (MIN..=MAX).contains(&secret.len()).then_some(secret)
}

/// Escapes as many whole characters of a text as fit into `most` bytes.
fn escaped(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        let before = escaped.len();
        escaped.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), RESERVED));
        if escaped.len() > most {
            escaped.truncate(before);
            break;
        }
    }
    escaped
}

/// The URI that an app reads from a QR code: the issuer, the account and the secret. It is short enough for one; long
/// names are truncated.
pub fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    // A colon in the label would end the issuer.
    let issuer = issuer.replace(':', "");
    let issuer = escaped(issuer.trim(), MAX_ISSUER_LENGTH);
    let account = escaped(account, MAX_ACCOUNT_LENGTH);
    let secret = to_text(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_application_learns_whose_code_it_is() {
        let uri = uri("Acme: Düngen & Säen", "ada+1@example.com", b"12345678901234567890");
        assert_eq!(
            uri,
            "otpauth://totp/Acme%20D%C3%BCngen%20%26%20S%C3%A4en:ada%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Acme%20D%C3%BCngen%20%26%20S%C3%A4en&algorithm=SHA1&digits=6&period=30"
        );
        let read = url::Url::parse(&uri).unwrap();
        assert_eq!(read.query_pairs().find(|(name, _)| name == "issuer").unwrap().1, "Acme Düngen & Säen");
    }

    #[test]
    fn secrets_are_read_as_people_write_them() {
        let secret = b"12345678901234567890".to_vec();
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ======",
        ] {
            assert_eq!(from_text(text), Some(secret.clone()), "{text}");
        }
        for text in ["", "GEZDGNBV", "0189", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ!"] {
            assert_eq!(from_text(text), None, "{text}");
        }
        assert_eq!(from_text(&"A".repeat(104)), None, "65 bytes");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(secret in prop::collection::vec(any::<u8>(), MIN..=MAX)) {
            prop_assert_eq!(from_text(&to_text(&secret)), Some(secret));
        }

        #[test]
        fn an_address_is_one_whatever_the_names_are(issuer in "\\PC{0,40}", account in "\\PC{0,40}") {
            let read = url::Url::parse(&uri(&issuer, &account, b"12345678901234567890")).unwrap();
            let secret = read.query_pairs().find(|(name, _)| name == "secret").unwrap().1.into_owned();
            prop_assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        }

        #[test]
        fn it_fits_into_a_qr_code(issuer in "\\PC{0,300}", account in "\\PC{0,400}") {
            let uri = uri(&issuer, &account, &[7; MAX]);
            prop_assert!(uri.len() < 2953, "{}", uri.len());
            prop_assert!(url::Url::parse(&uri).is_ok());
        }

        #[test]
        fn noise_never_panics(text in "\\PC{0,300}") {
            let _ = from_text(&text);
        }
    }
}
