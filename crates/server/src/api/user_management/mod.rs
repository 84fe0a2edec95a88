//! `/user_management`: users, their memberships, and invitations.

pub mod authkit_oauth_resources;
pub mod authorized_applications;
pub mod cors_origins;
pub mod email_change;
pub mod email_verification;
pub mod invitations;
pub mod jwt_template;
pub mod magic_auth;
pub mod organization_memberships;
mod password;
pub mod password_reset;
pub mod redirect_uris;
pub mod sessions;
pub mod users;
