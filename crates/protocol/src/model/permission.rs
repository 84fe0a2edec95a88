//! Permissions. A permission's slug is a custom OAuth scope.

use crate::id::PermissionId;
use crate::time::Timestamp;

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Its identifier.
    pub id: PermissionId,
    /// The scope; unique in the environment, fixed for life.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// What people read when they want to know more.
    pub description: Option<String>,
    /// Whether it is ours and cannot be deleted.
    pub system: bool,
    /// The kind of resource it belongs to.
    pub resource_type_slug: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
