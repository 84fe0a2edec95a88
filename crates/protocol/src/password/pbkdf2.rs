//! PBKDF2 (RFC 8018): `$pbkdf2-sha256$i=600000,l=32$salt$digest`. The iterations may also come without a name, as
//! written by Python's passlib, and the hash function may be given as `d=sha256`.

use super::encoding::decode;
use super::phc::{Phc, sound};
use aws_lc_rs::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use std::num::NonZeroU32;

const MAX_ITERATIONS: u32 = 2_000_000;

/// A parsed hash.
pub(super) struct Hash {
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Hash {
    pub(super) fn read(phc: &Phc<'_>) -> Option<Self> {
        let function = match phc.id.strip_prefix("pbkdf2")? {
            "" => phc.text(&["d", "digest"]).unwrap_or("sha1"),
            named => named.strip_prefix('-')?,
        };
        let algorithm = match function {
            "sha1" => PBKDF2_HMAC_SHA1,
            "sha256" => PBKDF2_HMAC_SHA256,
            "sha512" => PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let (iterations, salt, digest) = match (phc.number(&["i"]), phc.unnamed.as_slice()) {
            (Some(iterations), [salt, digest]) => (iterations, *salt, *digest),
            (None, [iterations, salt, digest]) if iterations.bytes().all(|byte| byte.is_ascii_digit()) => {
                (iterations.parse().ok()?, *salt, *digest)
            }
            _ => return None,
        };
        let (salt, digest) = sound(decode(salt)?, decode(digest)?)?;
        let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= MAX_ITERATIONS)?;
        let told = phc.text(&["l"]).is_none() || phc.number(&["l"]) == u32::try_from(digest.len()).ok();
        told.then_some(Self { algorithm, iterations, salt, digest })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.digest).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::password::encoding::encode;
    use crate::password::{HashType, SaltPosition, import, verify};

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn check(text: &str, password: &str) {
        let stored = import(HashType::Pbkdf2, text, SaltPosition::Suffix).unwrap_or_else(|| panic!("{text}"));
        assert!(verify(&stored, password), "{text}");
        assert!(!verify(&stored, "another"), "{text}");
    }

    #[test]
    fn known_vectors_are_understood() {
        let salt = encode(b"salt");
        // RFC 6070.
        let sha1 = encode(&bytes("4b007901b765489abead49d926f721d065a429c1"));
        check(&format!("$pbkdf2$i=4096${salt}${sha1}"), "password");
        check(&format!("$pbkdf2-sha1$i=4096,l=20${salt}${sha1}="), "password");
        // RFC 7914 §11.
        let sha256 = encode(&bytes(
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
        ));
        check(&format!("$pbkdf2-sha256$i=80000${}${sha256}", encode(b"NaCl")), "Password");
        check(&format!("$pbkdf2$d=sha256,i=80000${}${sha256}", encode(b"NaCl")), "Password");
        // In passlib's format; generated with Python's hashlib.
        check("$pbkdf2-sha256$6400$8PHy8/T19vf4.fr7/P3./w$Su6XdgojXneiyra3.OOMs7KSirH4A3GXZHKiYm/GdsU", "password");
        // The second of the widely used SHA-512 test vectors.
        let sha512 = encode(&bytes(
            "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e",
        ));
        check(&format!("$pbkdf2-sha512$i=2,l=64${salt}${sha512}"), "password");
    }

    #[test]
    fn what_is_no_pbkdf2_is_refused() {
        let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for bad in [
            format!("$pbkdf2-md5$i=1000$c2FsdA${digest}"),
            format!("$pbkdf2-sha256$i=0$c2FsdA${digest}"),
            format!("$pbkdf2-sha256$c2FsdA${digest}"),
            format!("$pbkdf2-sha256$i=1000,l=64$c2FsdA${digest}"),
            format!("$pbkdf2-sha256$i=1000$c2FsdA$?{digest}"),
            "$pbkdf2-sha256$i=1000$c2FsdA$AAAA".to_owned(),
        ] {
            assert_eq!(import(HashType::Pbkdf2, &bad, SaltPosition::Suffix), None, "{bad}");
        }
    }
}
