//! How an authenticator application is told its secret: as text (RFC 4648 §6), or in an `otpauth://` address that is shown as a
//! QR code. Secrets are of 20 bytes, as long as the hash (RFC 4226 §4).

use super::totp::{DIGITS, PERIOD};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of a secret that is made here.
pub const SECRET_BYTES: usize = 20;
/// Fewest bytes of a secret that is brought along (RFC 4226 §4, R6).
const FEWEST: usize = 16;
/// Most bytes.
const MOST: usize = 64;

/// Most bytes of the issuer, escaped: it is told twice. With the account, the secret and all else less than 2,953.
const LONGEST_ISSUER: usize = 600;
/// Most bytes of the account's name, escaped.
const LONGEST_ACCOUNT: usize = 1000;

/// What need not be escaped in an address (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A secret as text.
pub fn to_text(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// Reads a secret that was brought along: base32 in capitals or small letters, with or without padding, spaces and hyphens
/// between. `None` for what is none, or is shorter than 16 or longer than 64 bytes.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    if text.len() > 4 * MOST {
        return None;
    }
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let secret = BASE32_NOPAD.decode(plain.as_bytes()).ok()?;
    (FEWEST..=MOST).contains(&secret.len()).then_some(secret)
}

/// As much of a text as may stand in an address, escaped: whole characters of it.
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

/// The address that an application reads out of a QR code: whose code it is, and for what. It fits into one: of long names the
/// beginning is told.
pub fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    // A colon would end the issuer in the label.
    let issuer = issuer.replace(':', "");
    let issuer = escaped(issuer.trim(), LONGEST_ISSUER);
    let account = escaped(account, LONGEST_ACCOUNT);
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
        fn what_is_written_is_read(secret in prop::collection::vec(any::<u8>(), FEWEST..=MOST)) {
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
            let uri = uri(&issuer, &account, &[7; MOST]);
            prop_assert!(uri.len() < 2953, "{}", uri.len());
            prop_assert!(url::Url::parse(&uri).is_ok());
        }

        #[test]
        fn noise_never_panics(text in "\\PC{0,300}") {
            let _ = from_text(&text);
        }
    }
}
