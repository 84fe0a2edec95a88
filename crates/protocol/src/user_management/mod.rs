//! Sign-ins to an environment's own application, and the sessions they create.
//!
//! | Module | Owns |
//! |---|---|
//! | [`authorize`] | the request that starts a sign-in in the browser, and the steps required before there is a code |
//! | [`authenticate`] | the request that completes it, with one variant per grant |
//! | [`has_session_cookie`] | the browser's cookie that tells a page whether there is a session |
//! | [`code`], [`refresh`] | when a code or a refresh token is valid |
//! | [`session_token`] | the claims of session tokens |
//! | [`error`] | the errors of this module, each in the format that clients expect |

pub mod authenticate;
pub mod authorize;
pub mod code;
pub mod error;
pub mod has_session_cookie;
pub mod refresh;
pub mod session_token;
