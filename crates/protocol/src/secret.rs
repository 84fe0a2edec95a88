//! Secrets: values that cannot be printed, the kinds we issue, and the keyed digests by which we recognize them.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use zeroize::Zeroizing;

/// A secret in the clear. It has no `Display`, no `PartialEq` and a redacted `Debug`; its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Every call should be examined in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last `count` characters, to show users which secret this is.
    pub fn hint(&self, count: usize) -> String {
        let length = self.0.chars().count();
        self.0.chars().skip(length.saturating_sub(count)).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The kinds of secret we issue. Each has its own prefix and ends in a checksum, so that scanners for leaked code can
/// recognize one without contacting us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// An environment's API key for the management API.
    EnvironmentApiKey,
    /// An API key that a customer uses with the company's own API.
    OrganizationApiKey,
    /// A client secret of a Connect application.
    ClientSecret,
    /// The token in a password reset link.
    PasswordReset,
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARACTERS: usize = 43;
const CHECKSUM_CHARACTERS: usize = 6;

impl SecretKind {
    const ALL: [Self; 4] = [Self::EnvironmentApiKey, Self::OrganizationApiKey, Self::ClientSecret, Self::PasswordReset];

    /// The prefix of every secret of this kind.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::EnvironmentApiKey => "sk_cs_env_",
            Self::OrganizationApiKey => "sk_cs_org_",
            Self::ClientSecret => "cs_secret_",
            Self::PasswordReset => "cs_reset_",
        }
    }

    /// Composes a secret of this kind from 32 random bytes: prefix, 43 characters of base 62, checksum.
    pub fn compose(self, random: &[u8; 32]) -> Secret {
        let mut text = String::with_capacity(self.prefix().len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS);
        text.push_str(self.prefix());
        text.push_str(&base62::<RANDOM_CHARACTERS>(random));
        let checksum = crc32(text.as_bytes()).to_be_bytes();
        text.push_str(&base62::<CHECKSUM_CHARACTERS>(&checksum));
        Secret::new(text)
    }

    /// Recognizes a text in the format of a secret we issue, including the checksum. Says nothing about its validity.
    pub fn recognise(text: &str) -> Option<Self> {
        let kind = Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        if text.len() != kind.prefix().len() + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at_checked(text.len() - CHECKSUM_CHARACTERS)?;
        let expected = base62::<CHECKSUM_CHARACTERS>(&crc32(body.as_bytes()).to_be_bytes());
        (checksum == expected).then_some(kind)
    }
}

/// Encodes a big-endian number in base 62, in exactly `N` characters (`N` must be large enough to hold it).
fn base62<const N: usize>(bytes: &[u8]) -> String {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut characters = [b'0'; N];
    for place in characters.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in number.iter_mut() {
            let value = remainder * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *place = BASE62[remainder as usize];
    }
    characters.iter().map(|&c| char::from(c)).collect()
}

/// CRC-32 (IEEE), bit by bit: it runs only when a secret is issued or recognized.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// The key with which secrets of one purpose are digested.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

impl DigestKey {
    /// Creates a key from 32 bytes of key material.
    pub fn new(material: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, material))
    }

    /// The keyed digest (HMAC-SHA-256) of a presented or issued value.
    pub fn digest(&self, value: &str) -> Digest {
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(hmac::sign(&self.0, value.as_bytes()).as_ref());
        Digest(bytes)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(redacted)")
    }
}

/// The keyed digest of a secret, stored in its place.
///
/// It has no `PartialEq`; compare with [`Digest::matches`], which runs in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest in base64url, for secrets that are themselves keyed digests.
    pub fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether a text is this digest in base64url, compared in constant time.
    pub fn matches_base64url(&self, text: &str) -> bool {
        constant_time::verify_slices_are_equal(self.to_base64url().as_bytes(), text.as_bytes()).is_ok()
    }

    /// Creates a digest from its stored bytes; `None` unless there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// Its bytes, for storage and index lookups. The digest is keyed, so its bytes reveal nothing about the value.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares two digests in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!(secret.hint(3), "er2");
        assert_eq!(secret.hint(30), "hunter2");
    }

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn threat_45_digests_are_compared_in_constant_time_only() {
        let key = DigestKey::new(&[7; 32]);
        assert!(key.digest("a").matches(&key.digest("a")));
        assert!(!key.digest("a").matches(&key.digest("b")));
        assert!(!key.digest("a").matches(&DigestKey::new(&[8; 32]).digest("a")));
    }

    proptest! {
        #[test]
        fn every_issued_secret_is_recognised_and_no_altered_one(random: [u8; 32], place in 0_usize..59, other in 0_usize..62) {
            for kind in SecretKind::ALL {
                let secret = kind.compose(&random);
                prop_assert_eq!(SecretKind::recognise(secret.expose()), Some(kind));
                let mut altered = secret.expose().as_bytes().to_vec();
                let place = place % altered.len();
                if altered[place] != BASE62[other] {
                    altered[place] = BASE62[other];
                    let altered = String::from_utf8(altered).unwrap();
                    prop_assert_eq!(SecretKind::recognise(&altered), None);
                }
            }
        }

        #[test]
        fn different_bytes_give_different_secrets(a: [u8; 32], b: [u8; 32]) {
            prop_assume!(a != b);
            let (a, b) = (SecretKind::ClientSecret.compose(&a), SecretKind::ClientSecret.compose(&b));
            prop_assert!(a.expose() != b.expose());
        }

        #[test]
        fn recognising_never_panics(text in "\\PC*") {
            let _ = SecretKind::recognise(&text);
            let _ = SecretKind::recognise(&format!("cs_secret_{text}"));
        }
    }
}
