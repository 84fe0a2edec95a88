//! `POST /oauth2/revoke` (RFC 7009): a client ends a token of its own. Whatever the token was, the answer is an empty 200.

use crate::domain::Failure;
use crate::http::cors;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use crate::oauth::verify;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::revocation::{Revocation, revoke};
use countersign_store::change::{self, Topic};
use countersign_store::revoked_token;
use http::StatusCode;

/// Ends a token.
///
/// # Errors
/// `invalid_client`, `invalid_request`.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let params = call.params()?;
    let presenting = call.load_client(&params).await?;
    let client = call.authenticate(&presenting)?;
    let token = params.require("token")?;
    if let Some(verified) = verify::access_token(&call.app, &call.environment, token)
        && let Revocation::Remember { jti, expires_at } = revoke(client, &verified.claims, call.app.clock.now())
    {
        let (environment_id, now) = (call.environment.id(), call.app.clock.now());
        call.app
            .store
            .write::<_, Failure, _>(move |tx| {
                Box::pin(async move {
                    if revoked_token::insert(tx, environment_id, jti, expires_at).await? {
                        change::record(tx, environment_id, &Topic::RevokedToken(jti, expires_at), now);
                    }
                    Ok(())
                })
            })
            .await
            .map_err(oauth_error)?;
        call.app.catch_up().await;
    }
    Ok(cors::allow_registered(Reply::empty(StatusCode::OK).no_store(), &call.headers, client.client()))
}
