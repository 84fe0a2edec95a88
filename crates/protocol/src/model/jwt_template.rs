//! What an environment adds to the claims of access tokens.

use crate::time::Timestamp;

/// The template of an environment, as it was written; [`crate::jwt_template`] reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtTemplate {
    /// The text.
    pub content: String,
    /// When there was a first one.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
