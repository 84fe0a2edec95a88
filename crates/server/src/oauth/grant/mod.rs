//! One file per grant: what is loaded for it, and what is issued.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod refresh_token;
pub mod token_exchange;
pub mod token_response;
pub mod user_tokens;
