//! Style sheets of the pages.

use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_pages::STYLESHEET;
use countersign_protocol::management::error::ApiError;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// The style sheet of every page; its path changes with its content, so it may be kept for ever.
///
/// # Errors
/// Never; the type is that of a public document.
pub fn stylesheet(_: &PublicCall) -> Result<Reply, ApiError> {
    let mut reply = Reply::empty(StatusCode::OK)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))
        .with(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    reply.body = Bytes::from_static(STYLESHEET.as_bytes());
    Ok(reply)
}
