//! `grant_type=authorization_code`: a code becomes tokens, once, on whatever node it arrives.

use super::token_response::TokenResponse;
use super::user_tokens::{self, Authorized, Person, RedeemedCode};
use crate::domain::connect::authorization_codes;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::model::AuthorizationCode;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::authorization_code::{Refused, redeem, rejection};
use countersign_protocol::oauth::grant::device_code::Approval;
use countersign_protocol::oauth::resource::issuable;
use countersign_store::token_family;

/// The event of a code that came twice.
const REUSED: &str = "oauth.authorization_code_reused";

/// How long after a code has expired it ends what it led to when it comes again, in seconds.
const REPLAYED_WITHIN: i64 = 86_400;

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
    let environment_id = call.environment.id();
    let code = authorization_codes::open(&call.app.keyring, environment_id, presented.code).ok_or_else(rejection)?;
    let answer = match redeem(&code, client, presented.redirect_uri, presented.code_verifier, call.app.clock.now()) {
        Err(Refused::Unproven(error)) => return Err(error),
        Err(Refused::Wrong(error)) => Err(error),
        Ok(()) => exchange(call, client, presented, &code).await,
    };
    let Err(error) = answer else { return answer };
    // A code that comes long after its expiry was found in a log; it is no race for a live one. Then it is only refused,
    // and does not end the tokens that were issued for it.
    if call.app.clock.now() > code.expires_at.plus_secs(REPLAYED_WITHIN) {
        return Err(error);
    }
    // What is refused may have come before: then two have the same code, and both go without.
    let digest = call.app.keyring.authorization_code.digest(presented.code);
    let mut reader = call.app.store.reader().await.map_err(|error| oauth_error(error.into()))?;
    let spent = token_family::of_code(&mut reader, environment_id, &digest).await;
    drop(reader);
    match spent.map_err(|error| oauth_error(error.into()))? {
        Some(family_id) => Err(user_tokens::end_reused(call, REUSED, family_id, rejection()).await),
        None => Err(error),
    }
}

/// Exchanges a code that is this client's, and comes with what it must come with, unless it was exchanged before.
async fn exchange(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    presented: Presented<'_>,
    code: &AuthorizationCode,
) -> Result<TokenResponse, OAuthError> {
    let scopes = code.scopes.of(client.client()).ok_or_else(rejection)?;
    issuable(presented.resources, &code.resource, &call.environment.resources)?;
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let mut reader = call.app.store.reader().await.map_err(database)?;
    let person = Person::load(call, &mut reader, code.user_id, code.organization_id, rejection).await?;
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
            shows_auth_time: code.show_auth_time,
            application_id: code.application_id,
            resource: code.resource.clone(),
            scopes,
        },
    )?;
    let digest = call.app.keyring.authorization_code.digest(presented.code);
    if !user_tokens::redeem(call, client, &family, RedeemedCode::AuthorizationCode(digest)).await? {
        return Err(rejection());
    }
    user_tokens::issue(call, client, &family, person, code.nonce.as_deref())
}
