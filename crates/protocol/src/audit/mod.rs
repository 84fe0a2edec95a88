//! Audit logs: the format of their events, the hash chain that reveals tampering, and their export for people (CSV).
//! Each environment has one log for both the events that companies report about their organizations and the actions of
//! the environment's own administrators.

pub mod administrative;
pub mod chain;
pub mod csv;
pub mod event;
pub mod export;
pub mod metadata_schema;
pub mod retention;
pub mod schema;
pub mod stream;
