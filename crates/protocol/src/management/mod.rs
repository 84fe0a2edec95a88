//! What the management API accepts, as pure rules: bodies, queries, pages, and the errors they give.

pub mod consent_options;
pub mod domain_name;
pub mod error;
pub mod events;
pub mod fields;
pub mod page;
pub mod query;
pub mod views;
pub mod webhook_views;
