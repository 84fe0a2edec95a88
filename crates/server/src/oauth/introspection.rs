//! `POST /oauth2/introspection` (RFC 7662): any confidential client of the environment may ask.

use crate::cache::revoked_tokens::Known;
use crate::domain::Failure;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use crate::oauth::verify;
use bytes::Bytes;
use countersign_protocol::id::ClientId;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::introspection::{ActiveAccessToken, Authority, INACTIVE, is_active};
use countersign_store::revoked_token;
use http::StatusCode;

/// Tells about a token.
///
/// # Errors
/// `invalid_client`, `invalid_request`.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let params = call.params()?;
    let presenting = call.load_client(&params).await?;
    call.authenticate(&presenting)?;
    // The hint (§2.1) is only a hint: the token itself tells what it is.
    let token = params.require("token")?;
    let Some(verified) = verify::access_token(&call.app, &call.environment, token) else {
        return Ok(inactive());
    };
    let claims = &verified.claims;
    let client = match ClientId::parse(&claims.client_id) {
        Ok(client_id) => call.app.client(call.environment.id(), client_id).await.map_err(oauth_error)?,
        Err(_) => None,
    };
    let authority = Authority {
        environment_id: call.environment.id(),
        issuer: call.environment.environment.issuer.as_str(),
        client: client.as_deref(),
        token_revoked: is_revoked(&call, claims.jti).await.map_err(oauth_error)?,
    };
    Ok(if is_active(claims, &authority, call.app.clock.now()) {
        Reply::ok(&ActiveAccessToken::new(claims)).no_store()
    } else {
        inactive()
    })
}

fn inactive() -> Reply {
    Reply::json_bytes(StatusCode::OK, Bytes::from_static(INACTIVE.as_bytes())).no_store()
}

async fn is_revoked(call: &OAuthCall, jti: countersign_protocol::id::TokenId) -> Result<bool, Failure> {
    match call.app.caches.revoked_tokens.know(call.environment.id(), jti) {
        Known::Revoked => Ok(true),
        Known::NotRevoked => Ok(false),
        Known::AskTheDatabase => {
            let mut reader = call.app.store.reader().await?;
            Ok(revoked_token::exists(&mut reader, call.environment.id(), jti).await?)
        }
    }
}
