//! Salted SHA, as used by LDAP directories: `{SSHA}` or `{SSHA256}`, then the base64 of digest and salt, where the salt
//! follows the password. A hash with the salt first is stored as `{SSHA256-PREFIX}`, our own name for it.

use super::encoding::decode;
use super::phc::sound;
use super::{HashType, SaltPosition};
use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

const SSHA: &str = "{SSHA}";
const SSHA256: &str = "{SSHA256}";
const SSHA256_PREFIX: &str = "{SSHA256-PREFIX}";

/// A parsed hash.
pub(super) struct Hash {
    algorithm: &'static Algorithm,
    position: SaltPosition,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// The text to store for an imported hash, given with or without its scheme name.
pub(super) fn stored_form(kind: HashType, text: &str, position: SaltPosition) -> Option<String> {
    let encoded = if text.starts_with('{') { text.split_once('}')? } else { ("", text) };
    let name = match (kind, position) {
        (HashType::Ssha, _) => SSHA,
        (_, SaltPosition::Suffix) => SSHA256,
        (_, SaltPosition::Prefix) => SSHA256_PREFIX,
    };
    let expected = if kind == HashType::Ssha { "{SSHA" } else { "{SSHA256" };
    (encoded.0.is_empty() || encoded.0.eq_ignore_ascii_case(expected)).then(|| format!("{name}{}", encoded.1))
}

impl Hash {
    pub(super) fn parse(text: &str) -> Option<(HashType, Self)> {
        let (kind, algorithm, position, encoded) = if let Some(encoded) = text.strip_prefix(SSHA) {
            (HashType::Ssha, &SHA1_FOR_LEGACY_USE_ONLY, SaltPosition::Suffix, encoded)
        } else if let Some(encoded) = text.strip_prefix(SSHA256) {
            (HashType::Ssha256, &SHA256, SaltPosition::Suffix, encoded)
        } else {
            (HashType::Ssha256, &SHA256, SaltPosition::Prefix, text.strip_prefix(SSHA256_PREFIX)?)
        };
        let mut digest = decode(encoded)?;
        if digest.len() <= algorithm.output_len() {
            return None;
        }
        let salt = digest.split_off(algorithm.output_len());
        let (salt, digest) = sound(salt, digest)?;
        Some((kind, Self { algorithm, position, salt, digest }))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut context = Context::new(self.algorithm);
        match self.position {
            SaltPosition::Prefix => {
                context.update(&self.salt);
                context.update(password);
            }
            SaltPosition::Suffix => {
                context.update(password);
                context.update(&self.salt);
            }
        }
        super::constant_time_eq(context.finish().as_ref(), &self.digest)
    }
}

#[cfg(test)]
mod tests {
    use crate::password::{HashType, SaltPosition, import, verify};

    fn check(kind: HashType, text: &str, position: SaltPosition, password: &str) {
        let stored = import(kind, text, position).unwrap_or_else(|| panic!("{text}"));
        assert!(verify(&stored, password), "{text}");
        assert!(!verify(&stored, "another"), "{text}");
    }

    #[test]
    fn known_hashes_are_understood() {
        // Generated with Python's hashlib.
        check(HashType::Ssha, "{SSHA}EHJpGtF1wuDi0UfnRXlvUAjYN+oBAv5zYWx0", SaltPosition::Suffix, "secret");
        check(HashType::Ssha, "EHJpGtF1wuDi0UfnRXlvUAjYN+oBAv5zYWx0", SaltPosition::Suffix, "secret");
        check(
            HashType::Ssha256,
            "{SSHA256}Tg2u4QEks0jq3XBKsMAOFQWvAgevWEhsqp+jD1OGSKEBAv5zYWx0",
            SaltPosition::Suffix,
            "secret",
        );
        check(
            HashType::Ssha256,
            "{SSHA256}KUVdhYa//bNzhCc/G+txtk0Djpo2hbTP2Z3CAUqUFGABAv5zYWx0",
            SaltPosition::Prefix,
            "secret",
        );
        check(
            HashType::Ssha256,
            "KUVdhYa//bNzhCc/G+txtk0Djpo2hbTP2Z3CAUqUFGABAv5zYWx0",
            SaltPosition::Prefix,
            "secret",
        );
        let other_end = import(
            HashType::Ssha256,
            "{SSHA256}KUVdhYa//bNzhCc/G+txtk0Djpo2hbTP2Z3CAUqUFGABAv5zYWx0",
            SaltPosition::Suffix,
        )
        .unwrap();
        assert!(!verify(&other_end, "secret"));
    }

    #[test]
    fn what_is_no_salted_digest_is_refused() {
        for (kind, bad) in [
            (HashType::Ssha, "{SSHA}"),
            // A digest without a salt.
            (HashType::Ssha, "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
            (HashType::Ssha, "{SHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
            (HashType::Ssha256, "{SSHA256}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
            (HashType::Ssha, "{SSHA}?"),
            (HashType::Ssha, "{SSHA"),
        ] {
            assert_eq!(import(kind, bad, SaltPosition::Suffix), None, "{bad}");
        }
    }
}
