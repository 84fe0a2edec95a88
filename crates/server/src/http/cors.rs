//! CORS: which browser pages may read an answer. Public documents may be read by every page; the token endpoint's answer only by
//! pages of origins that the client was registered with, or that are the environment's; the management API's by none, because its
//! key does not belong into a browser.

use super::reply::Reply;
use crate::cache::environments::EnvironmentState;
use countersign_protocol::model::{ApplicationKind, Ownership};
use countersign_protocol::oauth::authorize::redirect::is_same_but_for_loopback_port;
use countersign_protocol::oauth::client::Client;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};

/// The answer to a preflight: any page may ask, what it may read is decided by the answer itself.
pub fn preflight() -> Reply {
    Reply::no_content()
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))
        .with(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"))
        // The last is what MCP clients put on every request of theirs.
        .with(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, mcp-protocol-version"),
        )
        .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"))
}

/// Lets the asking page read this answer, and send cookies along, if its origin is one of the environment's.
#[must_use]
pub fn allow_own(reply: Reply, headers: &HeaderMap, environment: &EnvironmentState) -> Reply {
    let Some(origin) = headers.get(ORIGIN) else { return reply };
    let reply = reply.with(VARY, HeaderValue::from_static("Origin"));
    if !environment.allows_origin(origin.as_bytes()) {
        return reply;
    }
    reply
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        .with(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"))
}

/// The answer to a preflight of a page that wants to send cookies along: with those, browsers take no `*`.
pub fn preflight_of_own(headers: &HeaderMap, environment: &EnvironmentState) -> Reply {
    let reply = allow_own(Reply::no_content(), headers, environment);
    if !headers.get(ORIGIN).is_some_and(|origin| environment.allows_origin(origin.as_bytes())) {
        return reply;
    }
    reply
        .with(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"))
        .with(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"))
        // Not for long: an origin that is taken off the list is to be kept out soon.
        .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("60"))
}

/// Lets every page read this answer: for refusals that hold nothing but the refusal.
#[must_use]
pub fn allow_all(reply: Reply) -> Reply {
    reply
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))
        .with(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"))
}

/// Lets the asking page read this answer if its origin is one of the client's, or of the environment.
#[must_use]
pub fn allow_registered(reply: Reply, headers: &HeaderMap, environment: &EnvironmentState, client: &Client) -> Reply {
    let Some(origin) = headers.get(ORIGIN) else { return reply };
    let reply = reply.with(VARY, HeaderValue::from_static("Origin"));
    match &client.application.kind {
        ApplicationKind::OAuth { .. } if environment.allows_origin(origin.as_bytes()) => {
            reply.with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        }
        ApplicationKind::OAuth { cors_origins, ownership, .. } => {
            // Its codes go to any port of this machine, and so do its pages run on any.
            let any_port = *ownership == Ownership::DynamicallyRegistered;
            let text = origin.to_str().unwrap_or_default();
            let is = |known: &String| known == text || (any_port && is_same_but_for_loopback_port(known, text));
            if cors_origins.iter().any(is) { reply.with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()) } else { reply }
        }
        ApplicationKind::Machine { .. } => reply,
    }
}
