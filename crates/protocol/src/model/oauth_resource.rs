//! Resources: the APIs and MCP servers that access tokens can be issued for (RFC 8707).

use crate::id::OAuthResourceId;
use crate::time::Timestamp;

/// A resource of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthResource {
    /// Its identifier.
    pub id: OAuthResourceId,
    /// Its URI, compared byte for byte; the `aud` of tokens for it.
    pub uri: String,
    /// Whether it is the default for self-registered applications that specify no resource.
    pub default: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
