//! `/user_management`: people, what they belong to, and who is asked in.

pub mod authorized_applications;
pub mod invitations;
pub mod organization_memberships;
mod password;
pub mod sessions;
pub mod users;
