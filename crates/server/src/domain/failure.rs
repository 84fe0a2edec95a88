//! Why an operation failed, and what the caller is told.

use crate::entropy::NoEntropy;
use crate::passwords::Busy;
use countersign_protocol::management::error::ApiError;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Refused; the caller receives this error.
    #[error("{0}")]
    Refused(ApiError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] countersign_store::Error),
    /// An internal error; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// An internal error.
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

    /// A 409.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::Conflict { code, message: message.into() })
    }

    /// A 422 for one invalid field.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::invalid(field, code, message))
    }

    /// Converts this into the error for the caller, and logs the details that the caller does not receive.
    pub fn into_api_error(self) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Store(countersign_store::Error::Unavailable(reason)) => {
                tracing::warn!(%reason, "the database is not available");
                ApiError::Unavailable
            }
            // Every referenced row was read earlier, so it has been deleted since. A retry reports the current state.
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
