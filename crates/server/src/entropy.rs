//! Random bytes and new identifiers. The one place that draws randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use countersign_protocol::id::{Id, TokenId, compose_ulid};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_protocol::time::Timestamp;
use std::sync::Mutex;
use zeroize::Zeroizing;

/// The operating system gave no random bytes: nothing can be issued.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("could not obtain random bytes")]
pub struct NoEntropy;

/// The source of random bytes and identifiers.
#[derive(Debug, Default)]
pub struct Entropy {
    random: SystemRandom,
    /// The last identifier made, so that those of one millisecond sort in the order they were made.
    last: Mutex<u128>,
}

impl Entropy {
    /// Random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0_u8; N];
        self.random.fill(&mut bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// A new identifier, greater than every one this process made before.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn id<I: Id>(&self, now: Timestamp) -> Result<I, NoEntropy> {
        let fresh = compose_ulid(now, self.bytes()?);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // In the same millisecond count on from the last one: 80 bits leave room.
        *last = if fresh >> 80 > *last >> 80 { fresh } else { last.wrapping_add(1 + (fresh & 0xFFFF)) };
        Ok(I::from_ulid(*last))
    }

    /// A new token identifier: not ordered, so it takes no lock.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn token_id(&self, now: Timestamp) -> Result<TokenId, NoEntropy> {
        Ok(TokenId::from_ulid(compose_ulid(now, self.bytes()?)))
    }

    /// A token for a link: 25 letters and digits, of 32 that are not mistaken for one another.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn link_token(&self) -> Result<Secret, NoEntropy> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let random = Zeroizing::new(self.bytes::<25>()?);
        Ok(Secret::new(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()))
    }

    /// A code to be mailed: six digits.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn code(&self) -> Result<Secret, NoEntropy> {
        // Of 2^64 numbers no remainder comes noticeably more often than another.
        let number = u64::from_be_bytes(self.bytes()?) % 1_000_000;
        Ok(Secret::new(format!("{number:06}")))
    }

    /// A new secret.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn secret(&self, kind: SecretKind) -> Result<Secret, NoEntropy> {
        let random = Zeroizing::new(self.bytes::<32>()?);
        Ok(kind.compose(&random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::OrganizationId;

    #[test]
    fn identifiers_of_one_millisecond_keep_their_order() {
        let entropy = Entropy::default();
        let now = Timestamp::from_millis(1_768_478_400_000);
        let ids: Vec<OrganizationId> = (0..1000).map(|_| entropy.id(now).unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.windows(2).all(|pair| pair[0].to_string() < pair[1].to_string()));
        let earlier: OrganizationId = entropy.id(Timestamp::from_millis(0)).unwrap();
        assert!(earlier > ids[999], "a clock that goes back does not break the order");
    }
}
