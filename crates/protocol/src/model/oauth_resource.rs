//! Resources: the APIs and MCP servers that access tokens may be for (RFC 8707).

use crate::id::OAuthResourceId;
use crate::time::Timestamp;

/// A resource of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthResource {
    /// Its identifier.
    pub id: OAuthResourceId,
    /// Its URI, compared byte for byte: the `aud` of tokens for it.
    pub uri: String,
    /// Whether it is meant by applications that registered themselves and name none.
    pub default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
