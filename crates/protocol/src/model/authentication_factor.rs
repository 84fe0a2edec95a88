//! Second factors of people, and the challenges that hold a code against them.

use crate::id::{AuthChallengeId, AuthFactorId, UserId};
use crate::time::Timestamp;

/// An authenticator application that shows codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationFactor {
    /// Its identifier.
    pub id: AuthFactorId,
    /// Whose it is; `None` for one that the company keeps for purposes of its own.
    pub user_id: Option<UserId>,
    /// The name of the product, as the application shows it.
    pub issuer: String,
    /// The name of the account, as the application shows it.
    pub account: String,
    /// The secret, sealed: codes are made from it.
    pub sealed_secret: Vec<u8>,
    /// When a first right code showed that the person has it. Until then it is asked for by nobody, and lets nobody in.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step whose code was taken: neither it nor an older one is good again.
    pub last_step: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// That a code of a factor was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationChallenge {
    /// Its identifier.
    pub id: AuthChallengeId,
    /// The factor.
    pub factor_id: AuthFactorId,
    /// When a right code came.
    pub verified_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}
