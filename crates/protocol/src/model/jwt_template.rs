//! An environment's additions to access token claims.

use crate::time::Timestamp;

/// An environment's template, as written; [`crate::jwt_template`] parses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtTemplate {
    /// The text.
    pub content: String,
    /// When the environment first had a template.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
