//! Random bytes and new identifiers. The only place that draws randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use countersign_protocol::id::{Id, TokenId, compose_ulid};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_protocol::time::Timestamp;
use std::sync::Mutex;
use zeroize::Zeroizing;

/// The operating system returned no random bytes, so nothing can be issued.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("could not obtain random bytes")]
pub struct NoEntropy;

/// The source of random bytes and identifiers.
#[derive(Debug, Default)]
pub struct Entropy {
    random: SystemRandom,
    /// The last identifier generated, so that identifiers from the same millisecond sort in creation order.
    last: Mutex<u128>,
}

impl Entropy {
    /// Returns random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0_u8; N];
        self.random.fill(&mut bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// Returns a new identifier, greater than any that this process generated before.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn id<I: Id>(&self, now: Timestamp) -> Result<I, NoEntropy> {
        let fresh = compose_ulid(now, self.bytes()?);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Within the same millisecond, increment the last one; 80 bits leave enough room.
        *last = if fresh >> 80 > *last >> 80 { fresh } else { last.wrapping_add(1 + (fresh & 0xFFFF)) };
        Ok(I::from_ulid(*last))
    }

    /// Returns a new token identifier. These are unordered, so no lock is needed.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn token_id(&self, now: Timestamp) -> Result<TokenId, NoEntropy> {
        Ok(TokenId::from_ulid(compose_ulid(now, self.bytes()?)))
    }

    /// Returns a token for a link: 25 characters from an alphabet of 32 lowercase letters and digits without
    /// look-alikes.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn link_token(&self) -> Result<Secret, NoEntropy> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let random = Zeroizing::new(self.bytes::<25>()?);
        Ok(Secret::new(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()))
    }

    /// Returns a six-digit code to send by email.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn code(&self) -> Result<Secret, NoEntropy> {
        // The modulo bias over 2^64 numbers is negligible.
        let number = u64::from_be_bytes(self.bytes()?) % 1_000_000;
        Ok(Secret::new(format!("{number:06}")))
    }

    /// Returns a new secret.
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
