//! Roles and permissions.
//!
//! | Module | Owns |
//! |---|---|
//! | [`roles`] | roles and the permissions they grant |
//! | [`permissions`] | permissions, their names and descriptions |

pub mod permissions;
#[expect(clippy::module_inception, reason = "the section is called as its first page")]
pub mod roles;
