//! JSON Web Keys (RFC 7517) and signed compact tokens (RFC 7515, RFC 7519), built on a single cryptographic library.
//!
//! A key is parsed once and kept; its algorithm belongs to the key and is never taken from a token. Encrypted tokens
//! and symmetric algorithms are deliberately not supported.

mod algorithm;
mod jwk;
mod jws;

pub use algorithm::Algorithm;
pub use jwk::{JwkError, certificate_thumbprint, public_jwk};
pub use jws::{DecodeError, SigningKey, SigningKeyError, UnverifiedToken, VerifyError, VerifyingKey};
