//! Keys: the master key, what is derived from it, and the signing keys of environments.
//!
//! The master key (from a file, a variable or a command) seals one random data key, which is stored. Everything else is
//! derived from the data key, one key per purpose, so the master key can be replaced without touching any other row.

pub mod keyring;
pub mod master_key;
pub mod rotation;
pub mod signing;
