//! The management API, one file per resource. Handlers read the request, call `domain`, and write the response object.

pub mod api_keys;
pub mod audit_logs;
pub mod authentication_factors;
pub mod client_secrets;
pub mod connect_applications;
pub mod events;
pub mod external_authentications;
pub mod organization_domains;
pub mod organizations;
pub mod permissions;
pub mod portal;
pub mod roles;
pub mod user_management;
pub mod webhook_endpoints;
