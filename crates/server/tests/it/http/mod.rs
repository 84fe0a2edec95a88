//! Behavior common to all requests: hosts, encryption, size limits, rate limits, shutdown.

mod bad_input;
mod hosts;
mod rate_limits;
mod transport;
