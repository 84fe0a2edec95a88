//! The management API, one file per resource, and what all resources have in common.

mod api_keys;
mod authentication_factors;
mod bad_input;
mod client_secrets;
mod connect_applications;
mod domain_verification;
mod email_change;
mod email_verification;
mod events;
mod idempotency;
mod invitations;
mod magic_auth;
mod organization_domains;
mod organization_memberships;
mod organizations;
mod paging;
mod password_reset;
mod permissions;
mod roles;
mod sign_in_settings;
mod strangers;
mod users;
