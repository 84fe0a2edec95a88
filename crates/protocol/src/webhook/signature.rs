//! Request signatures for webhook endpoints: that of WorkOS and that of Standard Webhooks 1.0, side by side.
//!
//! One secret serves both. It is `whsec_` followed by base64, as in Standard Webhooks, where the decoded base64 is the
//! key; the key for `WorkOS-Signature` is the text itself.

use crate::secret::Secret;
use crate::time::Timestamp;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";

/// The number of random bytes in a secret: its base64 needs no padding.
pub const SECRET_BYTES: usize = 33;

/// The number of bytes that a user-supplied secret may have.
const BROUGHT_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Whether a text is a valid secret: one that we generated, or another that Standard Webhooks allows.
pub fn is_secret(text: &str) -> bool {
    let bytes = text.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok().map(Zeroizing::new));
    bytes.is_some_and(|bytes| BROUGHT_BYTES.contains(&bytes.len()))
}

/// Composes a secret from random bytes.
pub fn compose_secret(random: &[u8; SECRET_BYTES]) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// The value of `WorkOS-Signature`: the time is in milliseconds, and a space follows the comma. It has room for only
/// one signature: verifiers reject or ignore a third part.
pub fn workos(secret: &Secret, now: Timestamp, body: &[u8]) -> String {
    let time = now.as_millis();
    let mut signed = format!("t={time}, v1=");
    for byte in sign(secret.expose().as_bytes(), &[time.to_string().as_bytes(), body]).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(signed, "{byte:02x}");
    }
    signed
}

/// The value of `webhook-signature`: one signature per secret. The time, in `webhook-timestamp`, is in seconds.
pub fn standard(secrets: &[&Secret], id: &str, now: Timestamp, body: &[u8]) -> String {
    let time = now.as_secs().to_string();
    let signatures = secrets.iter().map(|secret| {
        let signature = sign(&standard_key(secret), &[id.as_bytes(), time.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(signature))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// The key of a secret: decoded from base64 or, if it is not base64, the text itself.
fn standard_key(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let text = secret.expose();
    let decoded = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text));
    Zeroizing::new(decoded.unwrap_or_else(|_| text.as_bytes().to_vec()))
}

/// HMAC-SHA-256 of the parts joined by dots.
fn sign(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            context.update(b".");
        }
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000 + 7)
    }

    #[test]
    fn the_example_of_standard_webhooks() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let signed = standard(&[&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", moment(1_614_265_330), BODY);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = compose_secret(&[7; SECRET_BYTES]);
        let both = standard(&[&other, &secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", moment(1_614_265_330), BODY);
        assert!(both.starts_with("v1,") && both.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn the_separator_is_a_comma_and_a_space_and_the_time_comes_first_in_milliseconds() {
        let secret = Secret::new("whsec_0FWAiVGkEfGBqqsJH4aNAGBJ4".to_owned());
        let signed = workos(&secret, Timestamp::from_millis(1_700_000_000_000), BODY);
        let (time, signature) = signed.split_once(", v1=").unwrap();
        assert_eq!(time, "t=1700000000000");
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_0FWAiVGkEfGBqqsJH4aNAGBJ4");
        let expected = hmac::sign(&key, &[b"1700000000000.".as_slice(), BODY].concat());
        assert_eq!(signature, expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(signature.len(), 64);
    }

    #[test]
    fn a_secret_is_one_of_both() {
        let secret = compose_secret(&[255; SECRET_BYTES]);
        let text = secret.expose();
        assert_eq!(text.len(), 6 + 44);
        assert!(text.starts_with("whsec_") && !text.contains('='));
        assert_eq!(standard_key(&secret).as_slice(), [255; SECRET_BYTES]);
    }

    #[test]
    fn a_secret_has_one_form() {
        assert!(is_secret(compose_secret(&[7; SECRET_BYTES]).expose()));
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for (text, is) in [
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), true),
            (of(24), true),
            (of(64), true),
            (of(23), false),
            (of(65), false),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), false),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=".to_owned(), false),
            ("whsec_not base64, but long enough to be one of those".to_owned(), false),
            ("whsec_".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_secret(&text), is, "{text}");
        }
    }
}
