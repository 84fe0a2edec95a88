//! When a session's refresh token is valid: every use issues a new token and spends the old one.

use super::error::AuthenticateError;
use crate::model::SessionFamily;
use crate::oauth::refresh_token::Place;
use crate::time::Timestamp;

/// The change to the token family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The number of the token that is current from now on.
    pub generation: i64,
    /// Whether this answers a retry, in which case the family is unchanged.
    pub repeated: bool,
}

/// Why a token is not rotated.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// The token is invalid.
    Wrong,
    /// The token was spent longer ago: it or its successor has been stolen. The family is ended.
    Reused,
}

/// One description for every invalid token.
pub fn rejection() -> AuthenticateError {
    AuthenticateError::invalid_grant(
        "The refresh token is unknown, expired, used or revoked, or its session has ended.",
    )
}

/// Evaluates the token with this number in a family whose session is active.
///
/// # Errors
/// See [`Refused`].
pub fn rotate(family: &SessionFamily, generation: i64, now: Timestamp) -> Result<Rotation, Refused> {
    if family.ended_at.is_some() || now >= family.idle_expires_at {
        return Err(Refused::Wrong);
    }
    match Place::of(generation, family.generation, family.rotated_at, now) {
        Place::Good => Ok(Rotation { generation: generation + 1, repeated: false }),
        Place::Retried => Ok(Rotation { generation: family.generation, repeated: true }),
        Place::Reused => Err(Refused::Reused),
        Place::Nowhere => Err(Refused::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn family() -> SessionFamily {
        SessionFamily {
            id: Id::from_ulid(1),
            session_id: Id::from_ulid(2),
            organization_id: None,
            generation: 3,
            rotated_at: at(1000),
            idle_expires_at: at(2000),
            ended_at: None,
            created_at: at(0),
        }
    }

    fn outcome(family: &SessionFamily, generation: i64, now: i64) -> Result<(i64, bool), Refused> {
        rotate(family, generation, at(now)).map(|rotation| (rotation.generation, rotation.repeated))
    }

    #[test]
    fn a_token_is_good_once_and_its_retry_gets_the_same_successor() {
        assert_eq!(outcome(&family(), 3, 1001), Ok((4, false)));
        assert_eq!(outcome(&family(), 2, 1029), Ok((3, true)));
        assert_eq!(outcome(&family(), 2, 1030), Err(Refused::Reused));
        assert_eq!(outcome(&family(), 1, 1001), Err(Refused::Reused));
        assert_eq!(outcome(&family(), 4, 1001), Err(Refused::Wrong));
        assert_eq!(outcome(&family(), 0, 1001), Err(Refused::Wrong));
    }

    #[test]
    fn what_has_ended_stays_ended() {
        assert_eq!(outcome(&family(), 3, 2000), Err(Refused::Wrong));
        let ended = SessionFamily { ended_at: Some(at(1000)), ..family() };
        assert_eq!(outcome(&ended, 3, 1001), Err(Refused::Wrong));
        assert_eq!(outcome(&ended, 1, 1001), Err(Refused::Wrong), "it ends once");
    }
}
