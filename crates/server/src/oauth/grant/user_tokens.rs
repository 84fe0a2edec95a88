//! Tokens about a person: what every grant in which somebody has signed in issues.

use super::token_response::TokenResponse;
use crate::domain::Failure;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::model::{TokenFamily, User};
use countersign_protocol::oauth::access_token::UserTokenClaims;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::id_token::{IdTokenClaims, PersonClaims};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::scope::is_built_in;

/// How long, in seconds, a refresh token is good when it is not used.
pub const IDLE: i64 = 7 * 86_400;
/// How long, in seconds, one authorization is good, however often its tokens are refreshed.
pub const ABSOLUTE: i64 = 30 * 86_400;

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
    let claims = UserTokenClaims {
        iss: issuer,
        aud: environment.client_id,
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
        let claims = IdTokenClaims {
            nonce: facts.nonce,
            auth_time: facts.auth_time,
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
