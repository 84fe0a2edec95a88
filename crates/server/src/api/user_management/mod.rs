//! `/user_management`: people, what they belong to, and who is asked in.

pub mod authorized_applications;
pub mod cors_origins;
pub mod invitations;
pub mod organization_memberships;
mod password;
pub mod redirect_uris;
pub mod sessions;
pub mod users;
