//! The management API's input rules, as pure functions: bodies, queries, pagination, and the resulting errors.

pub mod consent_options;
pub mod domain_name;
pub mod error;
pub mod events;
pub mod fields;
pub mod page;
pub mod query;
pub mod views;
pub mod webhook_views;
