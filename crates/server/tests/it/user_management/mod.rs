//! Signing in to an environment's own application, and how its sessions continue and end.

mod authenticate;
mod authorize;
mod browsers;
mod changed_address;
mod device;
mod endings;
mod held;
mod mailed_codes;
mod mfa;
mod pending;
mod policy;
mod refresh_token;
