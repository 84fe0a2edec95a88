//! `POST /oauth2/revoke` (RFC 7009): a client ends a token of its own. Whatever the token was, the answer is an empty 200.

use crate::domain::connect::grants;
use crate::domain::{Act, Failure};
use crate::http::cors;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use crate::oauth::verify;
use countersign_protocol::id::{TokenFamilyId, TokenId};
use countersign_protocol::model::Actor;
use countersign_protocol::oauth::access_token::AccessTokenClaims;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::revocation::{Revocation, revoke};
use countersign_protocol::time::Timestamp;
use countersign_store::change::{self, Topic};
use countersign_store::{revoked_token, token_family};
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
    let environment_id = call.environment.id();
    if let Some(token) = RefreshToken::read(token, &call.app.keyring.refresh_token, environment_id) {
        end_family(&call, client, token).await.map_err(oauth_error)?;
    } else if let Some(verified) = verify::access_token(&call.app, &call.environment, token)
        && let Revocation::Remember { jti, expires_at } = revoke(client, &verified.claims, call.app.clock.now())
    {
        end_access_token(&call, &verified.claims, (jti, expires_at)).await.map_err(oauth_error)?;
    }
    Ok(cors::allow_registered(
        Reply::empty(StatusCode::OK).no_store(),
        &call.headers,
        &call.environment,
        client.client(),
    ))
}

/// Ends an access token. One of a person that came without a refresh token was all that its authorization gave: that ends,
/// and what was exchanged from it, too.
async fn end_access_token(
    call: &OAuthCall,
    claims: &AccessTokenClaims,
    (jti, expires_at): (TokenId, Timestamp),
) -> Result<(), Failure> {
    let (environment_id, now) = (call.environment.id(), call.app.clock.now());
    if let (Some(id), None) = (claims.grant_id, &claims.act) {
        let family = token_family::find(&mut call.app.store.reader().await?, environment_id, id).await?;
        if family.is_some_and(|family| family.generation == 0) {
            return end(call, id).await;
        }
    }
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
        .await?;
    call.app.catch_up().await;
    Ok(())
}

/// Ends the family of a refresh token: its access tokens end with it (RFC 7009 §2.1). Another client's is left alone.
async fn end_family(call: &OAuthCall, client: AuthenticatedClient<'_>, token: RefreshToken) -> Result<(), Failure> {
    let environment_id = call.environment.id();
    let family = token_family::find(&mut call.app.store.reader().await?, environment_id, token.family_id).await?;
    if family.is_none_or(|family| family.application_id != client.client().application.id) {
        return Ok(());
    }
    end(call, token.family_id).await
}

async fn end(call: &OAuthCall, family_id: TokenFamilyId) -> Result<(), Failure> {
    let act =
        Act::new(&call.environment.environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring);
    call.app
        .store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move { grants::end_family(tx, &act, family_id).await.map(drop) })
        })
        .await?;
    call.app.catch_up().await;
    Ok(())
}
