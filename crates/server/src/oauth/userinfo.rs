//! `/oauth2/userinfo` (OpenID Connect Core §5.3): what an access token lets its holder know about the person.

use crate::http::cors;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use crate::oauth::token_status::{self, TokenStatus};
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::id_token::PersonClaims;
use countersign_protocol::oauth::params::Params;
use countersign_store::user;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// What a request without a token is told: no error, as it has made none (RFC 6750 §3.1).
const CHALLENGE: &str = "Bearer realm=\"userinfo\"";

/// Tells about the person.
///
/// # Errors
/// Only when something of ours fails; a token that is not good gets its 401 or 403 (RFC 6750 §3.1).
pub async fn respond(call: OAuthCall) -> Result<Reply, OAuthError> {
    // In the header, or in the body of a form (RFC 6750 §2.2), not in both.
    let form = if call.body.is_empty() { Params::default() } else { call.params().unwrap_or_default() };
    let mut values = call.headers.get_all(AUTHORIZATION).iter();
    let token = match (values.next(), form.get("access_token")) {
        (Some(value), None) => {
            let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
            parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim())
        }
        (None, in_form) => in_form,
        (Some(_), Some(_)) => return Ok(refused(StatusCode::BAD_REQUEST, "invalid_request")),
    };
    let Some(token) = token.filter(|_| values.next().is_none()) else {
        let reply = Reply::json(StatusCode::UNAUTHORIZED, &json!({"error": "unauthorized"}));
        return Ok(cors::allow_all(reply.with(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)).no_store()));
    };
    let (verified, family) = match token_status::access_token(&call, token).await.map_err(oauth_error)? {
        TokenStatus::Active(verified, family) => (verified, family),
        TokenStatus::Inactive => return Ok(refused(StatusCode::UNAUTHORIZED, "invalid_token")),
    };
    // A machine is nobody. Who the person is says the authorization: the subject may be what the company calls them.
    let Some(user_id) = family.map(|family| family.user_id) else {
        return Ok(refused(StatusCode::UNAUTHORIZED, "invalid_token"));
    };
    let scopes = verified.claims.scope.as_deref().unwrap_or("").split(' ');
    if !scopes.clone().any(|scope| scope == "openid") {
        return Ok(refused(StatusCode::FORBIDDEN, "insufficient_scope"));
    }
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let mut reader = call.app.store.reader().await.map_err(database)?;
    let found = user::find(&mut reader, call.environment.id(), user_id).await.map_err(database)?;
    drop(reader);
    Ok(match found {
        Some(user) => {
            let reply = Reply::ok(&PersonClaims::new(verified.claims.sub.clone(), &user, scopes)).no_store();
            let client = match ClientName::parse(&verified.claims.client_id) {
                Some(name) => call.app.client_named(&call.environment, &name).await.map_err(oauth_error)?,
                None => None,
            };
            match client {
                Some(client) => cors::allow_registered(reply, &call.headers, &call.environment, &client),
                None => reply,
            }
        }
        None => refused(StatusCode::UNAUTHORIZED, "invalid_token"),
    })
}

fn refused(status: StatusCode, error: &'static str) -> Reply {
    let challenge = HeaderValue::try_from(format!("{CHALLENGE}, error=\"{error}\""));
    let reply = Reply::json(status, &json!({"error": error}));
    // A page may learn that its token has ended: whose it was, nobody can tell any more.
    let challenge = challenge.unwrap_or_else(|_| HeaderValue::from_static(CHALLENGE));
    cors::allow_all(reply.with(WWW_AUTHENTICATE, challenge).no_store())
}
