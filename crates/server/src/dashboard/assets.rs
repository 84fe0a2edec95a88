//! The dashboard's stylesheet and script.

use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_pages::{DASHBOARD_SCRIPT, DASHBOARD_STYLESHEET};
use countersign_protocol::management::error::ApiError;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

fn document(content_type: &'static str, body: &'static str) -> Reply {
    let mut reply = Reply::empty(StatusCode::OK)
        .with(CONTENT_TYPE, HeaderValue::from_static(content_type))
        .with(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    reply.body = Bytes::from_static(body.as_bytes());
    reply
}

/// The stylesheet. Its path changes with its content, so it may be cached forever.
///
/// # Errors
/// Never; the signature is that of a public document.
pub fn stylesheet(_: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document("text/css; charset=utf-8", DASHBOARD_STYLESHEET))
}

/// The script, cached likewise.
///
/// # Errors
/// Never; the signature is that of a public document.
pub fn script(_: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document("text/javascript; charset=utf-8", DASHBOARD_SCRIPT))
}
