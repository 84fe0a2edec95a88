//! Roles and permissions.
//!
//! | Module | Owns |
//! |---|---|
//! | [`roles`] | roles and what they give |
//! | [`permissions`] | permissions and how they read |

pub mod permissions;
#[expect(clippy::module_inception, reason = "the section is called as its first page")]
pub mod roles;
