//! Permissions. A permission's slug is a custom OAuth scope.

use crate::id::PermissionId;
use crate::time::Timestamp;

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Its identifier.
    pub id: PermissionId,
    /// The scope; unique in the environment, and immutable.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The description shown to users.
    pub description: Option<String>,
    /// Whether it is a built-in permission, which cannot be deleted.
    pub system: bool,
    /// The resource type it belongs to.
    pub resource_type_slug: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
