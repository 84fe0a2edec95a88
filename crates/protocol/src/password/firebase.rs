//! Firebase's scrypt: the derived key encrypts the project's signer key, and the ciphertext is the hash.
//!
//! `$firebase-scrypt$hash=…$salt=…$sk=…$ss=…$r=8$m=14`, in any order: the project's signer key, salt separator, rounds
//! and memory cost as shown in its console. Salt and hash may also come last, without names.

use super::encoding::decode;
use super::phc::{Phc, sound};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use scrypt::Params;
use zeroize::Zeroizing;

/// A parsed hash.
pub(super) struct Hash {
    parameters: Params,
    /// The account's salt followed by the project's separator.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    digest: Vec<u8>,
}

impl Hash {
    pub(super) fn read(phc: &Phc<'_>) -> Option<Self> {
        let (salt, digest) = match (phc.text(&["salt"]), phc.text(&["hash"]), phc.unnamed.as_slice()) {
            (Some(salt), Some(digest), []) => (salt, digest),
            (None, None, [salt, digest]) => (*salt, *digest),
            _ => return None,
        };
        let memory = phc.number(&["m", "mem_cost", "ln", "n"])?;
        let parameters = super::scrypt::parameters(memory, phc.number(&["r", "rounds"])?, 1)?;
        let mut salt = decode(salt)?;
        salt.extend_from_slice(&decode(phc.text(&["ss"]).unwrap_or(""))?);
        let signer_key = decode(phc.text(&["sk"])?)?;
        let (salt, digest) = sound(salt, decode(digest)?)?;
        (signer_key.len() == digest.len()).then_some(Self { parameters, salt, signer_key, digest })
    }

    fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        // The first half of the 64 bytes is the key.
        let mut derived = Zeroizing::new([0_u8; 64]);
        scrypt::scrypt(password, &self.salt, &self.parameters, derived.as_mut_slice()).ok()?;
        let key = UnboundCipherKey::new(&AES_256, derived.get(..32)?).ok()?;
        let mut encrypted = self.signer_key.clone();
        let counter = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        EncryptingKey::ctr(key).ok()?.less_safe_encrypt(&mut encrypted, counter).ok()?;
        Some(encrypted)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        self.compute(password).is_some_and(|digest| super::constant_time_eq(&digest, &self.digest))
    }
}

#[cfg(test)]
mod tests {
    use crate::password::{HashType, SaltPosition, import, verify};

    // The example of github.com/firebase/scrypt.
    const SALT: &str = "42xEC+ixf3L2lw==";
    const SEPARATOR: &str = "Bw==";
    const SIGNER: &str = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    const DIGEST: &str = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

    #[test]
    fn the_example_of_firebase_is_understood_however_it_is_spelt() {
        for text in [
            format!("$firebase-scrypt$hash={DIGEST}$salt={SALT}$sk={SIGNER}$ss={SEPARATOR}$r=8$m=14"),
            format!("$firebase-scrypt$m=14,r=8,ss={SEPARATOR},sk={SIGNER}${SALT}${DIGEST}"),
            format!("$firebase-scrypt$mem_cost=14,rounds=8$sk={SIGNER}$ss={SEPARATOR}${SALT}${DIGEST}"),
        ] {
            let stored =
                import(HashType::FirebaseScrypt, &text, SaltPosition::Suffix).unwrap_or_else(|| panic!("{text}"));
            assert!(verify(&stored, "user1password"), "{text}");
            assert!(!verify(&stored, "user2password"), "{text}");
        }
    }

    #[test]
    fn what_lacks_a_part_is_refused() {
        for bad in [
            format!("$firebase-scrypt$hash={DIGEST}$salt={SALT}$ss={SEPARATOR}$r=8$m=14"),
            format!("$firebase-scrypt$hash={DIGEST}$sk={SIGNER}$ss={SEPARATOR}$r=8$m=14"),
            format!("$firebase-scrypt$hash={DIGEST}$salt={SALT}$sk={SIGNER}$ss={SEPARATOR}$m=14"),
            format!("$firebase-scrypt$hash={DIGEST}$salt={SALT}$sk={SIGNER}$ss={SEPARATOR}$r=8$m=40"),
            format!("$firebase-scrypt$hash={SALT}$salt={SALT}$sk={SIGNER}$ss={SEPARATOR}$r=8$m=14"),
        ] {
            assert_eq!(import(HashType::FirebaseScrypt, &bad, SaltPosition::Suffix), None, "{bad}");
        }
    }
}
