//! The OAuth endpoints, one file each. The rules are in `countersign_protocol::oauth`; here they are asked.

pub mod device_authorization;
pub mod discovery;
pub mod grant;
pub mod introspection;
pub mod jwks;
pub mod registration;
pub mod revocation;
pub mod token;
pub mod token_status;
pub mod userinfo;
pub mod verify;
