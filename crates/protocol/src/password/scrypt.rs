//! scrypt (RFC 7914): `$scrypt$ln=15,r=8,p=1$salt$digest`. The number of rounds may also be given as `n=32768`.

use super::phc::Phc;
use scrypt::Params;

/// The maximum of `128 * r * N`, in bytes.
const MAX_MEMORY: u64 = 128 * 1024 * 1024;
/// The maximum of `r * N * p`, which bounds the time.
const MAX_WORK: u64 = 1 << 21;
const MAX_BLOCK: u32 = 64;

/// Checks the parameters against the bounds.
pub(super) fn parameters(log_n: u32, r: u32, p: u32) -> Option<Params> {
    if !(1..=24).contains(&log_n) || !(1..=MAX_BLOCK).contains(&r) || p == 0 {
        return None;
    }
    let cost = (1_u64 << log_n) * u64::from(r);
    if cost * 128 > MAX_MEMORY || cost * u64::from(p) > MAX_WORK {
        return None;
    }
    Params::new(u8::try_from(log_n).ok()?, r, p).ok()
}

/// The binary logarithm of the number of rounds: `ln`, or computed from `n`.
fn exponent(phc: &Phc<'_>) -> Option<u32> {
    phc.number(&["ln"]).or_else(|| phc.number(&["n"]).filter(|n| n.is_power_of_two()).map(u32::trailing_zeros))
}

/// A parsed hash.
pub(super) struct Hash {
    parameters: Params,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Hash {
    pub(super) fn read(phc: &Phc<'_>) -> Option<Self> {
        let parameters = parameters(exponent(phc)?, phc.number(&["r"])?, phc.number(&["p"])?)?;
        let (salt, digest) = phc.salt_and_digest()?;
        Some(Self { parameters, salt, digest })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut digest = vec![0; self.digest.len()];
        scrypt::scrypt(password, &self.salt, &self.parameters, &mut digest).is_ok()
            && super::constant_time_eq(&digest, &self.digest)
    }
}

#[cfg(test)]
mod tests {
    use crate::password::encoding::encode;
    use crate::password::{HashType, SaltPosition, import, verify};

    #[test]
    fn the_vectors_of_rfc_7914_are_understood() {
        let digest = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640";
        let bytes: Vec<u8> =
            (0..digest.len()).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).unwrap()).collect();
        let (salt, digest) = (encode(b"NaCl"), encode(&bytes));
        for text in [
            format!("$scrypt$ln=10,r=8,p=16${salt}${digest}"),
            format!("$scrypt$n=1024,r=8,p=16${salt}${digest}=="),
            // With the key length, as some systems write it.
            format!("$scrypt$v=1$n=1024,r=8,p=16,kl=64${salt}${digest}"),
        ] {
            let stored = import(HashType::Scrypt, &text, SaltPosition::Suffix).unwrap();
            assert!(verify(&stored, "password"), "{text}");
            assert!(!verify(&stored, "Password"), "{text}");
        }
    }

    #[test]
    fn what_is_no_scrypt_is_refused() {
        for bad in [
            "$scrypt$ln=10,r=8$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$n=1000,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,r=8,p=1$c2FsdA$AAAA",
            "$scrypt$ln=10,r=8,p=1$c2FsdA",
            "$scrypt$ln=0,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=10,ln=10,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(import(HashType::Scrypt, bad, SaltPosition::Suffix), None, "{bad}");
        }
    }
}
