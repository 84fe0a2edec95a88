//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): the request, where the response may go, and
//! the steps required before there is one.

pub mod carried_scopes;
pub mod decision;
pub mod redirect;
pub mod request;
