//! Argon2 (RFC 9106): our own format, and hashes from elsewhere with other parameters.

use super::encoding::encode;
use super::phc::Phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The parameters for new hashes: OWASP's recommendation for servers where many users share the memory.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const DIGEST: usize = 32;

/// The maximum memory, in KiB.
const MAX_MEMORY: u32 = 128 * 1024;
const MAX_LANES: u32 = 16;
/// The maximum of memory times passes, in KiB, which bounds the time.
const MAX_WORK: u64 = 512 * 1024;

/// Memory not currently in use for hashing. The most recently used block list is reused first, on any thread: its
/// caches are the warmest.
static UNUSED: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

thread_local! {
    /// Hashing threads exit when idle for a while; the unused memory is freed with them.
    static GOING: Going = const { Going };
}

struct Going;

impl Drop for Going {
    fn drop(&mut self) {
        unused().clear();
    }
}

fn unused() -> MutexGuard<'static, Vec<Vec<Block>>> {
    UNUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A parsed hash.
pub(super) struct Hash {
    algorithm: Algorithm,
    version: Version,
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Hash {
    pub(super) fn read(phc: &Phc<'_>) -> Option<Self> {
        let algorithm = match phc.id {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            _ => Algorithm::Argon2id,
        };
        let version = match phc.text(&["v"]) {
            None | Some("16") => Version::V0x10,
            Some("19") => Version::V0x13,
            Some(_) => return None,
        };
        let (memory, passes, lanes) = (phc.number(&["m"])?, phc.number(&["t"])?, phc.number(&["p"])?);
        let bounded = memory <= MAX_MEMORY
            && (1..=MAX_LANES).contains(&lanes)
            && u64::from(memory) * u64::from(passes) <= MAX_WORK;
        let (salt, digest) = phc.salt_and_digest()?;
        Params::new(memory, passes, lanes, Some(digest.len())).ok()?;
        let salted = salt.len() >= argon2::MIN_SALT_LEN;
        (bounded && salted).then_some(Self { algorithm, version, memory, passes, lanes, salt, digest })
    }

    fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        let params = Params::new(self.memory, self.passes, self.lanes, Some(self.digest.len())).ok()?;
        let (mut digest, count) = (vec![0; self.digest.len()], params.block_count());
        let argon2 = Argon2::new(self.algorithm, self.version, params);
        let mut fill = |blocks: &mut [Block]| {
            argon2.hash_password_into_with_memory(password, &self.salt, &mut digest, blocks).ok()
        };
        // A hash that needs no more memory than our own format reuses what the previous one left: allocating it and
        // giving it back takes a fifth of the time. The first pass writes all of it before reading it.
        if count <= MEMORY as usize {
            GOING.with(|_| ());
            let mut blocks = unused().pop().unwrap_or_default();
            blocks.resize(blocks.len().max(count), Block::new());
            let filled = fill(&mut blocks[..count]);
            unused().push(blocks);
            filled?;
        } else {
            fill(&mut vec![Block::new(); count])?;
        }
        Some(digest)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        self.compute(password).is_some_and(|digest| super::constant_time_eq(&digest, &self.digest))
    }

    pub(super) fn is_ours(&self) -> bool {
        (self.algorithm, self.version) == (Algorithm::Argon2id, Version::V0x13)
            && (self.memory, self.passes, self.lanes, self.digest.len()) == (MEMORY, PASSES, LANES, DIGEST)
    }

    /// Hashes a password in our own format.
    pub(super) fn ours(password: &[u8], salt: &[u8]) -> Option<String> {
        let blank = Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            memory: MEMORY,
            passes: PASSES,
            lanes: LANES,
            salt: salt.to_vec(),
            digest: vec![0; DIGEST],
        };
        let digest = blank.compute(password)?;
        Some(format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${}${}", encode(salt), encode(&digest)))
    }
}

#[cfg(test)]
mod tests {
    use crate::password::{HashType, SaltPosition, import, is_ours, verify};

    fn check(text: &str, password: &str) {
        let stored = import(HashType::Argon2, text, SaltPosition::Suffix).unwrap_or_else(|| panic!("{text}"));
        assert!(verify(&stored, password), "{text}");
        assert!(!verify(&stored, "another"), "{text}");
        assert!(!is_ours(&stored), "{text}");
    }

    #[test]
    fn hashes_of_the_reference_implementation_are_understood() {
        // From the test suite of the reference implementation (P-H-C/phc-winner-argon2, src/test.c).
        check("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", "password");
        check("$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E", "password");
        check("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password");
        check("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password");
        check("$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY", "password");
    }
}
