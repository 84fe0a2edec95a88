//! `/oauth2/*` and the discovery documents.

mod discovery;
mod introspection;
mod registration;
mod revocation;
mod signing_keys;
pub mod token;
mod token_exchange;
mod userinfo;
