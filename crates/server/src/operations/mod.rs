//! Operator endpoints and limits: liveness, readiness, metrics, and open files.

pub mod health;
pub mod metrics;
pub mod open_files;
