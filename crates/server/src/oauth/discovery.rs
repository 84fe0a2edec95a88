//! The discovery documents, written once per change of the environment and sent as they are.

use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use countersign_protocol::management::error::ApiError;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

/// How long clients may keep a document: short against the time a new key is published before it signs.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(super) fn document(body: bytes::Bytes) -> Reply {
    Reply::json_bytes(StatusCode::OK, body).with(CACHE_CONTROL, FIVE_MINUTES)
}

/// `/.well-known/openid-configuration` (OpenID Connect Discovery §4).
///
/// # Errors
/// 421 and 404 by host.
pub fn openid_configuration(call: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document(call.environment()?.openid_configuration.clone()))
}

/// `/.well-known/oauth-authorization-server` (RFC 8414 §3).
///
/// # Errors
/// 421 and 404 by host.
pub fn authorization_server(call: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document(call.environment()?.authorization_server.clone()))
}
