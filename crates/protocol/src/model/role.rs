//! Roles: named sets of permissions that members of organizations have.

use crate::id::RoleId;
use crate::time::Timestamp;

/// The slug of the role that a member has when nothing else is said. Every environment has it.
pub const DEFAULT_ROLE: &str = "member";

/// A role of an environment, good in all its organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its identifier.
    pub id: RoleId,
    /// Its name for programs; unique in the environment, fixed for life.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// What people read when they want to know more.
    pub description: Option<String>,
    /// Slugs of the permissions that come with it, in their order.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
