//! Authenticated encryption of data that must be readable later (private keys, responses kept for a retry).
//!
//! A sealed value is bound to its context: purpose, environment and row are additional authenticated data, so a
//! ciphertext moved to another row or environment does not open. Layout: version (1 byte), nonce (12), ciphertext, tag.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;

/// A key for sealing values of one purpose (AES-256-GCM-SIV, RFC 8452: a repeated nonce is survivable).
pub struct SealKey(LessSafeKey);

/// The value was not sealed by this key for this context, or was modified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open with this key and context")]
pub struct OpenError;

impl SealKey {
    /// Creates a key from 32 bytes of key material.
    ///
    /// # Errors
    /// Only if the cryptographic library rejects the key, which it does not do for any 32 bytes.
    pub fn new(material: &[u8; 32]) -> Result<Self, OpenError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, material).map_err(|_| OpenError)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a value for a context with a nonce, which should be random.
    ///
    /// # Errors
    /// Only for values too large for the algorithm (64 GiB).
    pub fn seal(&self, context: &[&str], plaintext: &[u8], nonce: [u8; NONCE_LENGTH]) -> Result<Vec<u8>, OpenError> {
        let mut buffer = Zeroizing::new(plaintext.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(authenticated_data(context)),
                &mut buffer,
            )
            .map_err(|_| OpenError)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + buffer.len() + tag.as_ref().len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&buffer);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a value sealed for the same context.
    ///
    /// # Errors
    /// [`OpenError`] for anything else; it does not say why.
    pub fn open(&self, context: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (&[VERSION], rest) = sealed.split_first_chunk::<1>().ok_or(OpenError)? else {
            return Err(OpenError);
        };
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(OpenError)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(authenticated_data(context)), &mut buffer)
            .map_err(|_| OpenError)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(redacted)")
    }
}

/// Prefixes each part with its length, so that no two lists of parts yield the same bytes.
fn authenticated_data(context: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(context.iter().map(|part| size_of::<u64>() + part.len()).sum());
    for part in context {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn opening_is_the_inverse_of_sealing(key: [u8; 32], nonce: [u8; 12], text: Vec<u8>, context: String) {
            let key = SealKey::new(&key).unwrap();
            let sealed = key.seal(&[&context], &text, nonce).unwrap();
            prop_assert_eq!(&*key.open(&[&context], &sealed).unwrap(), &text);
        }

        #[test]
        fn threat_15_an_altered_value_does_not_open(key: [u8; 32], nonce: [u8; 12], text: Vec<u8>, at: usize, bit in 0_u8..8) {
            let key = SealKey::new(&key).unwrap();
            let mut sealed = key.seal(&["a"], &text, nonce).unwrap();
            let at = at % sealed.len();
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open(&["a"], &sealed).is_err());
        }

        #[test]
        fn opening_noise_never_panics(noise: Vec<u8>) {
            prop_assert!(SealKey::new(&[1; 32]).unwrap().open(&[], &noise).is_err());
        }
    }

    #[test]
    fn threat_38_a_value_sealed_for_one_purpose_does_not_open_for_another() {
        let key = SealKey::new(&[1; 32]).unwrap();
        let sealed = key.seal(&["signing-key", "environment_a"], b"private", [0; 12]).unwrap();
        assert!(key.open(&["signing-key", "environment_b"], &sealed).is_err());
        assert!(key.open(&["idempotency", "environment_a"], &sealed).is_err());
        assert!(key.open(&["signing-keyenvironment_a"], &sealed).is_err());
        assert!(key.open(&["signing-key", "environment_a"], &sealed).is_ok());
    }
}
