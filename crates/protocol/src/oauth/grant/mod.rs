//! One file per grant: everything that is checked before a token is issued for it.

pub mod client_credentials;
