//! What holds for every request: hosts, encryption, bounds, rates, shutdown.

mod bad_input;
mod hosts;
mod rate_limits;
mod transport;
