//! bcrypt: `$2b$12$`, then 22 characters of salt and 31 of digest. The variants `2a`, `2b` and `2y` are treated as one
//! algorithm.

use super::encoding::decode_bcrypt;
use zeroize::Zeroizing;

/// The allowed cost, the binary logarithm of the number of rounds: beyond this, verification takes seconds.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;
/// The number of password bytes used, including the trailing NUL.
const MAX_LENGTH: usize = 72;

/// A parsed hash.
pub(super) struct Hash {
    cost: u32,
    salt: [u8; 16],
    digest: Vec<u8>,
}

impl Hash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
        let (cost, rest) = rest.split_once('$')?;
        let cost = (cost.len() == 2 && cost.bytes().all(|b| b.is_ascii_digit())).then(|| cost.parse().ok())??;
        let (salt, digest) = rest.split_at_checked(22).filter(|(_, digest)| digest.len() == 31)?;
        let salt = decode_bcrypt(salt)?.try_into().ok()?;
        let digest = decode_bcrypt(digest).filter(|digest| digest.len() == 23)?;
        COSTS.contains(&cost).then_some(Self { cost, salt, digest })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut counted = Zeroizing::new(Vec::with_capacity(MAX_LENGTH));
        counted.extend_from_slice(&password[..password.len().min(MAX_LENGTH)]);
        if counted.len() < MAX_LENGTH {
            counted.push(0);
        }
        super::constant_time_eq(&bcrypt::bcrypt(self.cost, self.salt, &counted)[..23], &self.digest)
    }
}

#[cfg(test)]
mod tests {
    use crate::password::{HashType, SaltPosition, import, verify};

    fn check(text: &str, password: &str) {
        let stored = import(HashType::Bcrypt, text, SaltPosition::Suffix).unwrap_or_else(|| panic!("{text}"));
        assert!(verify(&stored, password), "{text}");
        assert!(!verify(&stored, "another"), "{text}");
    }

    #[test]
    fn hashes_of_openwall_are_understood() {
        // From the test vectors of Openwall's crypt_blowfish (wrapper.c).
        check("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U");
        check("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U");
        check("$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*");
        check("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U");
        check("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "");
        let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored";
        check("$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", long);
    }

    #[test]
    fn what_is_no_bcrypt_is_refused() {
        for bad in [
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC!E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$05",
            "",
        ] {
            assert_eq!(import(HashType::Bcrypt, bad, SaltPosition::Suffix), None, "{bad}");
        }
    }
}
