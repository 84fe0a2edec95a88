//! Whether an access token of ours still stands: its signature, its time, and everything behind it.

use crate::cache::revoked_tokens::Known;
use crate::cache::verified_tokens::Verified;
use crate::domain::Failure;
use crate::http::oauth_call::OAuthCall;
use crate::oauth::verify;
use countersign_protocol::id::TokenId;
use countersign_protocol::oauth::access_token::Actor;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::introspection::{Authority, StandingFamily, is_active};
use countersign_store::revoked_token;
use std::sync::Arc;

/// What is to be said of a token.
#[derive(Debug)]
pub enum TokenStatus {
    /// It is one of ours, and stands; with the authorization behind it, where it is about a person.
    Active(Arc<Verified>, Option<StandingFamily>),
    /// Anything else.
    Inactive,
}

/// Asks about a token.
///
/// # Errors
/// Database errors.
pub async fn access_token(call: &OAuthCall, token: &str) -> Result<TokenStatus, Failure> {
    let environment_id = call.environment.id();
    let Some(verified) = verify::access_token(&call.app, &call.environment, token) else {
        return Ok(TokenStatus::Inactive);
    };
    let claims = &verified.claims;
    let client = match ClientName::parse(&claims.client_id) {
        Some(name) => call.app.client_named(&call.environment, &name).await?,
        None => None,
    };
    let family = match claims.grant_id {
        Some(id) => call.app.standing_grant(environment_id, id).await?,
        None => None,
    };
    let delegation_is_valid = match (&claims.act, &family) {
        (Some(actor), Some(family)) => delegation_is_valid(call, actor, family).await?,
        _ => true,
    };
    let authority = Authority {
        environment_id,
        issuer: call.environment.environment.issuer.as_str(),
        client: client.as_deref(),
        family: family.as_ref(),
        token_revoked: is_revoked(call, claims.jti).await?,
        delegation_is_valid,
    };
    Ok(if is_active(claims, &authority, call.app.clock.now()) {
        TokenStatus::Active(verified, family)
    } else {
        TokenStatus::Inactive
    })
}

/// Whether the application that a person has authorized, and all who acted before, are still admitted here.
async fn delegation_is_valid(call: &OAuthCall, actor: &Actor, family: &StandingFamily) -> Result<bool, Failure> {
    let environment_id = call.environment.id();
    let authorized = call.app.client(environment_id, family.client_id).await?;
    if !authorized.is_some_and(|client| call.environment.admits(&client)) {
        return Ok(false);
    }
    for actor in actor.chain() {
        if !call.app.client(environment_id, actor.sub).await?.is_some_and(|client| actor.is_valid_for(&client)) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_revoked(call: &OAuthCall, jti: TokenId) -> Result<bool, Failure> {
    match call.app.caches.revoked_tokens.know(call.environment.id(), jti) {
        Known::Revoked => Ok(true),
        Known::NotRevoked => Ok(false),
        Known::AskTheDatabase => {
            let mut reader = call.app.store.reader().await?;
            Ok(revoked_token::exists(&mut reader, call.environment.id(), jti).await?)
        }
    }
}
