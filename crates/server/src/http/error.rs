//! The error shapes, each with its headers. A handler never picks a status.

use super::reply::Reply;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::user_management::error::AuthenticateError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What `Retry-After` says when nothing better is known: whole seconds, for some clients read nothing else.
const SOON: u64 = 1;

/// After how many seconds to ask again; `None` where that is no use.
pub fn soonest(error: &ApiError) -> Option<u64> {
    match error {
        ApiError::RateLimited { retry_after } | ApiError::TooMany { retry_after, .. } => Some(*retry_after),
        ApiError::Unavailable => Some(SOON),
        _ => None,
    }
}

/// An answer that says so.
pub fn retry_after(reply: Reply, seconds: u64) -> Reply {
    reply.with(RETRY_AFTER, HeaderValue::from(seconds))
}

/// An error of the management API.
pub fn api(error: &ApiError) -> Reply {
    let reply = Reply::json(status(error.status()), &error.body());
    let reply = match soonest(error) {
        Some(seconds) => retry_after(reply, seconds),
        None => reply,
    };
    match error {
        // RFC 9110 §11.6.1: a 401 says how to authenticate.
        ApiError::Unauthorized => reply.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\"")),
        _ => reply,
    }
    .no_store()
}

/// An error of signing in to an environment's own application.
pub fn authenticate(error: &AuthenticateError) -> Reply {
    match error {
        AuthenticateError::Api(error) => api(error),
        _ => Reply::json(status(error.status()), &error.body()).no_store(),
    }
}

/// An error of the OAuth endpoints (RFC 6749 §5.2).
pub fn oauth(error: &OAuthError) -> Reply {
    let body = json!({"error": error.code.as_str(), "error_description": error.description});
    let reply = Reply::json(status(error.code.status()), &body).no_store();
    match error.code {
        OAuthErrorCode::InvalidClient => {
            reply.with(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\""))
        }
        OAuthErrorCode::TooManyRequests | OAuthErrorCode::TemporarilyUnavailable => {
            retry_after(reply, error.retry_after.unwrap_or(SOON))
        }
        _ => reply,
    }
}
