//! One file per grant: what is loaded for it, and what is issued.

pub mod client_credentials;
