//! `grant_type=authorization_code`: a code becomes tokens, once, on whatever node it arrives.

use super::token_response::TokenResponse;
use super::user_tokens::{self, ABSOLUTE, IDLE, SignInFacts};
use crate::domain::{Act, Failure, grants};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::id::TokenFamilyId;
use countersign_protocol::model::{AuthorizationCode, TokenFamily};
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::authorization_code::{Refused, not_good, redeem};
use countersign_store::{authorization_code, membership, token_family, user};

/// Redeems a code.
///
/// # Errors
/// `invalid_grant`; `invalid_request` for a malformed verifier.
pub async fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    code: &str,
    redirect_uri: Option<&str>,
    code_verifier: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    let digest = call.app.keyring.authorization_code.digest(code);
    let environment_id = call.environment.id();
    let now = call.app.clock.now();
    let mut reader = call.app.store.reader().await.map_err(|error| oauth_error(error.into()))?;
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let code = authorization_code::find(&mut reader, environment_id, &digest).await.map_err(database)?;
    let code = code.ok_or_else(not_good)?;
    match redeem(&code, client, redirect_uri, code_verifier, now) {
        Ok(()) => {}
        Err(Refused::Wrong(error)) => return Err(error),
        Err(Refused::Replayed(family_id)) => return Err(end_replayed(call, family_id).await),
    }
    let user = user::find(&mut reader, environment_id, code.user_id).await.map_err(database)?.ok_or_else(not_good)?;
    if let Some(id) = code.organization_id
        && !membership::is_active(&mut reader, environment_id, user.id, id).await.map_err(database)?
    {
        return Err(not_good());
    }
    drop(reader);
    let family = family_of(call, &code).map_err(oauth_error)?;
    let kept = family.clone();
    let spent = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            let spent = authorization_code::spend(tx, environment_id, &digest, kept.id).await?;
            if spent {
                token_family::insert(tx, environment_id, &kept).await?;
            }
            Ok(spent)
        })
    });
    if !spent.await.map_err(oauth_error)? {
        // Somebody else was faster by a moment: the same code twice, so both go without.
        let mut reader = call.app.store.reader().await.map_err(database)?;
        let code = authorization_code::find(&mut reader, environment_id, &digest).await.map_err(database)?;
        drop(reader);
        return Err(match code.and_then(|code| code.family_id) {
            Some(family_id) => end_replayed(call, family_id).await,
            None => not_good(),
        });
    }
    let facts = SignInFacts {
        nonce: code.nonce.as_deref(),
        auth_time: code.show_auth_time.then(|| code.authenticated_at.as_secs()),
    };
    user_tokens::issue(call, client, &family, &user, facts)
}

fn family_of(call: &OAuthCall, code: &AuthorizationCode) -> Result<TokenFamily, Failure> {
    let now = call.app.clock.now();
    let refreshes = code.scopes.iter().any(|scope| scope == "offline_access");
    let lifetime = call.environment.environment.access_token_lifetime;
    let expires_at = now.plus_secs(if refreshes { ABSOLUTE } else { lifetime });
    Ok(TokenFamily {
        id: call.app.entropy.id(now)?,
        consent_id: code.consent_id,
        application_id: code.application_id,
        user_id: code.user_id,
        organization_id: code.organization_id,
        session_id: code.session_id,
        resource: code.resource.clone(),
        scopes: code.scopes.clone(),
        authenticated_at: code.authenticated_at,
        generation: i64::from(refreshes),
        rotated_at: now,
        idle_expires_at: now.plus_secs(if refreshes { IDLE } else { lifetime }),
        expires_at,
        ended_at: None,
        created_at: now,
    })
}

/// Ends what a code was redeemed for, and says no.
async fn end_replayed(call: &OAuthCall, family_id: TokenFamilyId) -> OAuthError {
    let environment = &call.environment.environment;
    let act = Act::new(environment, &call.app.clock, &call.app.entropy, &call.app.keyring);
    let ended = call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { grants::end_reused(tx, &act, "oauth.authorization_code_reused", family_id).await })
    });
    if let Err(failure) = ended.await {
        return oauth_error(failure);
    }
    call.app.catch_up().await;
    not_good()
}
