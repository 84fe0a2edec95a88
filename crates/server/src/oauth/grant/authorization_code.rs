//! `grant_type=authorization_code`: a code becomes tokens, once, on whatever node it arrives.

use super::token_response::TokenResponse;
use super::user_tokens::{self, Authorized, Person, SignInFacts};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::authorization_code::{Refused, not_good, redeem};
use countersign_protocol::oauth::grant::device_code::Approval;
use countersign_protocol::oauth::resource::issuable;
use countersign_store::authorization_code;

/// The event of a code that came twice.
const REUSED: &str = "oauth.authorization_code_reused";

/// What a client presents.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The code.
    pub code: &'a str,
    /// Where it was sent.
    pub redirect_uri: Option<&'a str>,
    /// The PKCE verifier.
    pub code_verifier: Option<&'a str>,
    /// The resources that are asked for (RFC 8707 §2.2).
    pub resources: &'a [&'a str],
}

/// Redeems a code.
///
/// # Errors
/// `invalid_grant`; `invalid_request` for a malformed verifier; `invalid_target`.
pub async fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    presented: Presented<'_>,
) -> Result<TokenResponse, OAuthError> {
    let Presented { code, redirect_uri, code_verifier, resources } = presented;
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
        Err(Refused::Replayed(family_id)) => {
            return Err(user_tokens::end_reused(call, REUSED, family_id, not_good()).await);
        }
    }
    issuable(resources, &code.resource, &call.environment.resources)?;
    let person = Person::load(call, &mut reader, code.user_id, code.organization_id, not_good).await?;
    if !user_tokens::session_stands(&mut reader, environment_id, code.session_id).await.map_err(database)? {
        return Err(not_good());
    }
    drop(reader);
    let family = user_tokens::begin(
        call,
        Authorized {
            approval: Approval {
                consent_id: code.consent_id,
                user_id: code.user_id,
                organization_id: code.organization_id,
                session_id: code.session_id,
                persona: code.persona.clone(),
                authenticated_at: code.authenticated_at,
            },
            application_id: code.application_id,
            resource: code.resource.clone(),
            scopes: code.scopes.clone(),
        },
    )?;
    let family_id = family.id;
    let redeemed = user_tokens::redeem(call, client, &family, move |tx| {
        Box::pin(async move { authorization_code::spend(tx, environment_id, &digest, family_id).await })
    });
    if !redeemed.await? {
        // Somebody else was faster by a moment: the same code twice, so both go without.
        let mut reader = call.app.store.reader().await.map_err(database)?;
        let code = authorization_code::find(&mut reader, environment_id, &digest).await.map_err(database)?;
        drop(reader);
        return Err(match code.and_then(|code| code.family_id) {
            Some(family_id) => user_tokens::end_reused(call, REUSED, family_id, not_good()).await,
            None => not_good(),
        });
    }
    let facts = SignInFacts {
        nonce: code.nonce.as_deref(),
        auth_time: code.show_auth_time.then(|| code.authenticated_at.as_secs()),
    };
    user_tokens::issue(call, client, &family, person, facts)
}
