//! Roles: named sets of permissions that members of organizations have.

use crate::id::RoleId;
use crate::time::Timestamp;

/// The slug of the default role, which every environment has.
pub const DEFAULT_ROLE: &str = "member";

/// A role of an environment, available in all its organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its identifier.
    pub id: RoleId,
    /// Its slug; unique in the environment, and immutable.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The description shown to users.
    pub description: Option<String>,
    /// The slugs of its permissions, in order.
    pub permissions: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
