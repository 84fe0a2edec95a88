//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): what is asked, where the answer may go, and
//! what has to happen before there is one.

pub mod carried_scopes;
pub mod decision;
pub mod redirect;
pub mod request;
