//! Second factors: what somebody has, beside what they know.
//!
//! | Module | Owns |
//! |---|---|
//! | [`totp`] | codes of an authenticator application (RFC 6238) |
//! | [`enrolment`] | how such an application is told its secret: base32, `otpauth://` |

pub mod enrolment;
pub mod totp;
