//! Refresh tokens (RFC 6749 §6). A token consists of its family's identifier, its number in the family and a keyed
//! digest of both: none of it is stored, and a token's successor can be recomputed for an honest retry.

use crate::id::{EnvironmentId, Id, TokenFamilyId};
use crate::secret::{DigestKey, Secret};
use crate::time::Timestamp;
use std::str::FromStr;

/// How long, in seconds, the previous token is accepted again after rotation, since the response may have been lost. It
/// yields the same successor, so no second branch starts.
pub const RETRY_WINDOW: i64 = 30;

/// A token's place in its family, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The current token.
    Good,
    /// The token before the current one, shortly after rotation: an honest retry.
    Retried,
    /// A token spent longer ago: it or its successor has been stolen.
    Reused,
    /// A token that was never issued.
    Nowhere,
}

impl Place {
    /// The place of the token numbered `generation`, in a family whose current token has been number `good` since
    /// `rotated_at`.
    pub fn of(generation: i64, good: i64, rotated_at: Timestamp, now: Timestamp) -> Self {
        if generation < 1 || generation > good {
            Self::Nowhere
        } else if generation == good {
            Self::Good
        } else if generation + 1 == good && now < rotated_at.plus_secs(RETRY_WINDOW) {
            Self::Retried
        } else {
            Self::Reused
        }
    }
}

const PREFIX: &str = "cs_rt_";
const ULID: usize = 26;
const NUMBER: usize = 8;

/// A refresh token issued here: of an authorization, or of another kind of family, whose tokens use a different key.
/// Says nothing about whether it is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken<F = TokenFamilyId> {
    /// The token's family.
    pub family_id: F,
    /// The token's number in the family, starting at 1.
    pub generation: i64,
}

impl<F: Id + FromStr> RefreshToken<F> {
    /// Composes the token's text.
    pub fn compose(self, key: &DigestKey, environment_id: EnvironmentId) -> Secret {
        let family = self.family_id.to_string();
        let ulid = family.strip_prefix(F::PREFIX).and_then(|rest| rest.strip_prefix('_')).unwrap_or("");
        let mac = key.digest(&self.signed(environment_id)).to_base64url();
        Secret::new(format!("{PREFIX}{ulid}{:08X}{mac}", self.generation))
    }

    /// Parses a token's text; `None` for anything that this environment did not issue.
    pub fn read(text: &str, key: &DigestKey, environment_id: EnvironmentId) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (ulid, rest) = rest.split_at_checked(ULID)?;
        let (number, mac) = rest.split_at_checked(NUMBER)?;
        let family_id = format!("{}_{ulid}", F::PREFIX).parse().ok()?;
        let generation = u32::from_str_radix(number, 16).ok()?;
        let token = Self { family_id, generation: i64::from(generation) };
        let good = key.digest(&token.signed(environment_id)).matches_base64url(mac);
        (good && format!("{generation:08X}") == number).then_some(token)
    }

    fn signed(self, environment_id: EnvironmentId) -> String {
        format!("{environment_id} {} {}", self.family_id, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Token = RefreshToken<TokenFamilyId>;

    fn environment(number: u128) -> EnvironmentId {
        EnvironmentId::from_ulid(number)
    }

    proptest! {
        #[test]
        fn what_is_composed_is_read_and_nothing_else(ulid: u128, generation in 1_i64..=0xFFFF_FFFF, at in 0_usize..80, to in "[0-9A-Za-z_-]") {
            let key = DigestKey::new(&[1; 32]);
            let token = RefreshToken { family_id: TokenFamilyId::from_ulid(ulid), generation };
            let text = token.compose(&key, environment(1));
            let text = text.expose();
            prop_assert_eq!(Token::read(text, &key, environment(1)), Some(token));
            prop_assert_eq!(Token::read(text, &key, environment(2)), None);
            prop_assert_eq!(Token::read(text, &DigestKey::new(&[2; 32]), environment(1)), None);
            let mut altered = text.to_owned();
            altered.replace_range(at.min(text.len() - 1)..=at.min(text.len() - 1), &to);
            if altered != text {
                prop_assert_eq!(Token::read(&altered, &key, environment(1)), None);
            }
        }

        #[test]
        fn noise_is_no_token(text in "(cs_rt_)?\\PC{0,90}") {
            prop_assert_eq!(Token::read(&text, &DigestKey::new(&[1; 32]), environment(1)), None);
        }
    }
}
