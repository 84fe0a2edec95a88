//! How people sign in to an environment's own application, and what its sessions are made of.
//!
//! | Module | Owns |
//! |---|---|
//! | [`authorize`] | the request that begins a sign-in in the browser, and what has to happen before there is a code |
//! | [`authenticate`] | the request that ends it, with one variant per grant |
//! | [`has_session_cookie`] | what the browser keeps for a page, and how the page learns of it |
//! | [`code`], [`refresh`] | what makes a code or a refresh token good |
//! | [`session_token`] | the claims of session tokens |
//! | [`error`] | the errors of all this, each in the shape that clients know |

pub mod authenticate;
pub mod authorize;
pub mod code;
pub mod error;
pub mod has_session_cookie;
pub mod refresh;
pub mod session_token;
