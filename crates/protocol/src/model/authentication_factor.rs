//! Users' second factors, and the challenges that verify a code.

use crate::id::{AuthChallengeId, AuthFactorId, UserId};
use crate::time::Timestamp;

/// An authenticator app that generates codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationFactor {
    /// Its identifier.
    pub id: AuthFactorId,
    /// The user it belongs to; `None` for one that the company keeps for its own purposes.
    pub user_id: Option<UserId>,
    /// The product name shown in the authenticator app.
    pub issuer: String,
    /// The account name shown in the authenticator app.
    pub account: String,
    /// The sealed TOTP secret that codes are derived from.
    pub sealed_secret: Vec<u8>,
    /// When a first correct code confirmed that the user has it. Until then, it is neither asked for nor accepted.
    pub confirmed_at: Option<Timestamp>,
    /// The latest time step whose code was accepted: neither it nor an earlier one is accepted again.
    pub last_step: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A request for a factor's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationChallenge {
    /// Its identifier.
    pub id: AuthChallengeId,
    /// The factor.
    pub factor_id: AuthFactorId,
    /// When a correct code was submitted.
    pub verified_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
