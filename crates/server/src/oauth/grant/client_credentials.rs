//! `grant_type=client_credentials`: nothing to load beyond the client, nothing to store: a stateless token.

use super::token_response::TokenResponse;
use crate::domain::Failure;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::oauth::access_token::MachineTokenClaims;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::client_credentials::grant;

/// Grants and issues.
///
/// # Errors
/// As [`grant`]; `server_error` when signing fails.
pub fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    scope: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    let granted = grant(client, scope)?;
    let environment = &call.environment.environment;
    let now = call.app.clock.now();
    let client_id = client.client().application.client_id;
    let claims = MachineTokenClaims {
        iss: environment.issuer.as_str(),
        aud: environment.client_id,
        sub: client_id,
        client_id,
        org_id: granted.organization_id,
        scope: &granted.scope,
        credential_id: client.require_secret()?,
        jti: call.app.entropy.token_id(now).map_err(|error| oauth_error(Failure::internal(error)))?,
        iat: now.as_secs(),
        exp: now.as_secs() + environment.access_token_lifetime,
    };
    // Signed here, on this thread: a quarter of a millisecond with RSA, and a hop to another thread costs more than it
    // would save the others.
    let access_token =
        call.environment.direct_signer.sign(&claims).map_err(|error| oauth_error(Failure::internal(error)))?;
    call.app.metrics.tokens_issued.inc();
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: environment.access_token_lifetime,
        scope: granted.scope,
        issued_token_type: None,
        id_token: None,
        refresh_token: None,
    })
}
