//! The management API, one file per resource. A handler reads the request, calls `domain`, and writes the object.

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
