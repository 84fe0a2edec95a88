//! Audit logs: what their events may look like, how they are chained so that tampering shows, and how they are written for
//! people (CSV). One log per environment holds both what companies tell us about their organizations, and what
//! administrators of the environment itself have done.

pub mod administrative;
pub mod chain;
pub mod csv;
pub mod event;
pub mod export;
pub mod metadata_schema;
pub mod retention;
pub mod schema;
pub mod stream;
