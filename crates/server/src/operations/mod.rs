//! For the operator: is it alive, is it ready, what has it done.

pub mod health;
pub mod metrics;
pub mod open_files;
