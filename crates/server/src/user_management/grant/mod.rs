//! One file per grant: what is proven, and what follows.

pub mod authorization_code;
pub mod device_code;
pub mod email_verification;
pub mod magic_auth;
pub mod mfa_totp;
pub mod organization_selection;
pub mod password;
pub mod refresh_token;
