//! Style sheets and pictures of the pages.

use crate::domain::Failure;
use crate::domain::environments::branding;
use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_pages::STYLESHEET;
use countersign_protocol::management::error::ApiError;
use countersign_store::image;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
/// For a path that changes with its content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Opened by itself, a picture is a page without rights.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn document(content_type: HeaderValue, body: Bytes) -> Reply {
    let mut reply = Reply::empty(StatusCode::OK).with(CONTENT_TYPE, content_type);
    reply.body = body;
    reply
}

/// The style sheet of every page; its path changes with its content, so it may be kept for ever.
///
/// # Errors
/// Never; the type is that of a public document.
pub fn stylesheet(_: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document(CSS, Bytes::from_static(STYLESHEET.as_bytes())).with(CACHE_CONTROL, FOR_EVER))
}

/// `GET /branding/{name}`: the style sheet and the pictures of the environment whose host is asked.
///
/// # Errors
/// 404 for what this environment does not have.
pub async fn branding(call: &PublicCall) -> Result<Reply, Failure> {
    let environment = call.environment()?;
    let name = call.path.get("name");
    if name.ends_with(".css") {
        let reply = document(CSS, environment.look.stylesheet.clone());
        let own = environment.look.stylesheet_path.as_deref().and_then(|path| path.strip_prefix(branding::FOLDER));
        // A page of a moment ago, or of a node that is ahead, asks for another one: it gets what there is, but only for now.
        return Ok(if own == Some(name) { reply.with(CACHE_CONTROL, FOR_EVER) } else { reply.no_store() });
    }
    let digest = branding::picture_named(name).ok_or(ApiError::NoSuchPath)?;
    let png = image::png(&mut call.app.store.reader().await?, environment.id(), digest).await?;
    let png = png.ok_or(ApiError::NoSuchPath)?;
    Ok(document(HeaderValue::from_static("image/png"), png.into())
        .with(CACHE_CONTROL, FOR_EVER)
        .with(CONTENT_SECURITY_POLICY, NOTHING)
        .with(RESOURCE_POLICY, HeaderValue::from_static("same-origin")))
}
