//! Second factors: something users have, in addition to something they know.
//!
//! | Module | Owns |
//! |---|---|
//! | [`totp`] | codes of an authenticator app (RFC 6238) |
//! | [`enrolment`] | passing the secret to such an app: base32, `otpauth://` |

pub mod enrolment;
pub mod totp;
