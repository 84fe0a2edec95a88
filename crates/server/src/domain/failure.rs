//! Why an act was not done, and what the caller is told of it.

use crate::entropy::NoEntropy;
use crate::passwords::Busy;
use countersign_protocol::management::error::ApiError;

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller is told this.
    #[error("{0}")]
    Refused(ApiError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] countersign_store::Error),
    /// Something of ours failed; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// A failure of ours.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// A 404.
    pub fn not_found(thing: &'static str, id: impl std::fmt::Display) -> Self {
        Self::Refused(ApiError::not_found(thing, id.to_string()))
    }

    /// A 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::bad_request(code, message))
    }

    /// A conflict.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::Conflict { code, message: message.into() })
    }

    /// Something wrong with one field.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::invalid(field, code, message))
    }

    /// What the caller is told. What they are not told is logged here.
    pub fn into_api_error(self) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Store(countersign_store::Error::Unavailable(reason)) => {
                tracing::warn!(%reason, "the database is not available");
                ApiError::Unavailable
            }
            // Everything that a row refers to was read before: it was deleted since. Whoever asks again is told what is so now.
            Self::Store(countersign_store::Error::ForeignKey) => {
                tracing::warn!("a request conflicted with the deletion of what it refers to");
                ApiError::Unavailable
            }
            Self::Store(error) => {
                tracing::error!(%error, "a request failed");
                ApiError::Internal
            }
            Self::Internal(error) => {
                tracing::error!(%error, "a request failed");
                ApiError::Internal
            }
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<NoEntropy> for Failure {
    fn from(error: NoEntropy) -> Self {
        Self::internal(error)
    }
}

impl From<Busy> for Failure {
    fn from(busy: Busy) -> Self {
        tracing::warn!("{busy}");
        Self::Refused(ApiError::Unavailable)
    }
}
