//! Tokens about a person: what every grant in which somebody has signed in issues.

use super::token_response::TokenResponse;
use crate::domain::backchannel_logout::{logout_uri, session_name};
use crate::domain::{Act, Failure, grants};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::id::{ApplicationId, EnvironmentId, SessionId, TokenFamilyId};
use countersign_protocol::model::{TokenFamily, User};
use countersign_protocol::oauth::access_token::UserTokenClaims;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::device_code::Approval;
use countersign_protocol::oauth::id_token::{IdTokenClaims, PersonClaims};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::scope::is_built_in;
use countersign_store::{Reader, Tx, logout_notice, session, token_family};

/// How long, in seconds, a refresh token is good when it is not used.
pub const IDLE: i64 = 7 * 86_400;
/// How long, in seconds, one authorization is good, however often its tokens are refreshed.
const ABSOLUTE: i64 = 30 * 86_400;

/// Makes the family of an authorization that is redeemed now, from what was authorized: with `offline_access` it has a
/// first refresh token, without it lives as long as its access token.
///
/// # Errors
/// When no random bytes are to be had.
pub fn begin(call: &OAuthCall, authorized: Authorized) -> Result<TokenFamily, OAuthError> {
    let now = call.app.clock.now();
    let refreshes = authorized.scopes.iter().any(|scope| scope == "offline_access");
    let lifetime = call.environment.environment.access_token_lifetime;
    let (idle, absolute) = if refreshes { (IDLE, ABSOLUTE) } else { (lifetime, lifetime) };
    let Authorized { approval, application_id, resource, scopes } = authorized;
    Ok(TokenFamily {
        id: call.app.entropy.id(now).map_err(|error| oauth_error(Failure::internal(error)))?,
        consent_id: approval.consent_id,
        application_id,
        user_id: approval.user_id,
        organization_id: approval.organization_id,
        session_id: approval.session_id,
        resource,
        scopes,
        authenticated_at: approval.authenticated_at,
        generation: i64::from(refreshes),
        rotated_at: now,
        idle_expires_at: now.plus_secs(idle),
        expires_at: now.plus_secs(absolute),
        ended_at: None,
        created_at: now,
    })
}

/// What was authorized.
#[derive(Debug)]
pub struct Authorized {
    /// By whom.
    pub approval: Approval,
    /// To which application.
    pub application_id: ApplicationId,
    /// For which resource; empty for none.
    pub resource: String,
    /// For what.
    pub scopes: Vec<String>,
}

/// The session whose end the application wants to be told of.
pub fn told_of_sign_out(client: AuthenticatedClient<'_>, family: &TokenFamily) -> Option<SessionId> {
    family.session_id.filter(|_| logout_uri(&client.client().application).is_some())
}

/// Whether the session in which an authorization was given still stands. One that has signed out meanwhile has taken
/// back what it was just giving.
///
/// # Errors
/// Database errors.
pub async fn session_stands(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    session_id: Option<SessionId>,
) -> Result<bool, countersign_store::Error> {
    let Some(id) = session_id else { return Ok(true) };
    Ok(session::find(reader, environment_id, id).await?.is_some_and(|found| found.ended_at.is_none()))
}

/// Keeps the family of an authorization that is redeemed in this transaction, and notes whom its session leads to;
/// `false` when the session has just ended.
///
/// # Errors
/// Database errors.
pub async fn keep(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    family: &TokenFamily,
    told: Option<SessionId>,
) -> Result<bool, Failure> {
    let TokenFamily { application_id, user_id, created_at, .. } = *family;
    if let Some(id) = told
        && !logout_notice::note(tx, environment_id, id, application_id, user_id, created_at).await?
    {
        return Ok(false);
    }
    token_family::insert(tx, environment_id, family).await?;
    Ok(true)
}

/// Ends what a code or token has led to that came a second time, and gives the answer to it.
pub async fn end_reused(
    call: &OAuthCall,
    event: &'static str,
    family_id: TokenFamilyId,
    answer: OAuthError,
) -> OAuthError {
    let act = Act::new(&call.environment.environment, &call.app.clock, &call.app.entropy, &call.app.keyring);
    let ended = call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { grants::end_reused(tx, &act, event, family_id).await })
    });
    if let Err(failure) = ended.await {
        return oauth_error(failure);
    }
    call.app.catch_up().await;
    answer
}

/// What an ID token says besides who the person is.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignInFacts<'a> {
    /// The nonce of the authorization request.
    pub nonce: Option<&'a str>,
    /// When the person proved who they are, when that was asked for, in seconds.
    pub auth_time: Option<i64>,
}

/// Issues the tokens of a family: an access token, and what its scopes bring along.
///
/// # Errors
/// `server_error` when signing fails.
pub fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    family: &TokenFamily,
    user: &User,
    facts: SignInFacts<'_>,
) -> Result<TokenResponse, OAuthError> {
    let failed = |error| oauth_error(Failure::internal(error));
    let environment = &call.environment.environment;
    let (issuer, client_id) = (environment.issuer.as_str(), client.client().application.client_id);
    let now = call.app.clock.now();
    // What was taken from the application since is granted no more.
    let assigned = &client.client().application.scopes;
    let scopes: Vec<&str> = family
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| is_built_in(scope) || assigned.iter().any(|known| known == scope))
        .collect();
    let scope = scopes.join(" ");
    let environment_itself = environment.client_id.to_string();
    let claims = UserTokenClaims {
        iss: issuer,
        aud: if family.resource.is_empty() { &environment_itself } else { &family.resource },
        sub: user.id,
        client_id,
        org_id: family.organization_id,
        sid: family.consent_id,
        scope: &scope,
        grant_id: family.id,
        jti: call.app.entropy.token_id(now).map_err(|error| oauth_error(Failure::internal(error)))?,
        iat: now.as_secs(),
        exp: now.as_secs() + environment.access_token_lifetime,
    };
    let access_token = call.environment.signer.sign(&claims).map_err(failed)?;
    let id_token = if scopes.contains(&"openid") {
        let person = PersonClaims::new(user, scopes.iter().copied());
        let sid =
            told_of_sign_out(client, family).map(|session_id| session_name(&call.app.keyring, session_id, client_id));
        let claims = IdTokenClaims {
            nonce: facts.nonce,
            auth_time: facts.auth_time,
            sid,
            ..IdTokenClaims::new(issuer, client_id, person, now)
        };
        Some(call.environment.signer.sign(&claims).map_err(failed)?)
    } else {
        None
    };
    let refresh_token = (family.generation > 0).then(|| {
        let token = RefreshToken { family_id: family.id, generation: family.generation };
        token.compose(&call.app.keyring.refresh_token, call.environment.id()).expose().to_owned()
    });
    call.app.metrics.tokens_issued.inc();
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: environment.access_token_lifetime,
        scope,
        id_token,
        refresh_token,
    })
}
