//! How people sign in to an environment's own application without its pages, and how its sessions go on:
//! `/user_management/authenticate` and `/user_management/authorize/device`. The way through the browser is in `hosted`.
//!
//! | Module | Owns |
//! |---|---|
//! | [`authenticate`] | the steps that every grant shares |
//! | [`grant`] | one file per grant |
//! | [`pending`] | what was proven when something is still missing, sealed |
//! | [`refresh_token_cookie`] | pages whose refresh token the browser keeps |
//! | [`sign_in`] | from a proof to a session: what is asked in which order |
//! | [`tokens`] | the answer: the one place in which the claims of session tokens are built |
//! | [`device_authorization`] | a device asks for its codes |

pub mod authenticate;
pub mod device_authorization;
pub mod grant;
pub mod pending;
pub mod refresh_token_cookie;
pub mod sign_in;
pub mod tokens;

use crate::domain::Failure;
use crate::entropy::NoEntropy;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::time::Timestamp;
use countersign_protocol::user_management::error::AuthenticateError;

/// Why there is no session.
#[derive(Debug)]
pub enum Refused {
    /// The caller is told this.
    Error(AuthenticateError),
    /// Something of ours failed.
    Failure(Failure),
}

impl Refused {
    /// What the caller is told. What they are not told is logged here.
    pub fn into_error(self) -> AuthenticateError {
        match self {
            Self::Error(error) => error,
            Self::Failure(failure) => failure.into_api_error().into(),
        }
    }

    /// There were too many tries; the next is allowed at a moment.
    pub fn too_many(over_at: Timestamp, now: Timestamp) -> Self {
        Self::Error(ApiError::RateLimited { retry_after: now.whole_seconds_until(over_at).max(1) }.into())
    }
}

impl From<AuthenticateError> for Refused {
    fn from(error: AuthenticateError) -> Self {
        Self::Error(error)
    }
}
impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        Self::Error(error.into())
    }
}
impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
impl From<countersign_store::Error> for Refused {
    fn from(error: countersign_store::Error) -> Self {
        Self::Failure(error.into())
    }
}
impl From<NoEntropy> for Refused {
    fn from(error: NoEntropy) -> Self {
        Self::Failure(error.into())
    }
}
