//! `/user_management`: people, what they belong to, and who is asked in.

pub mod invitations;
pub mod organization_memberships;
mod password;
pub mod users;
