//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`: everything behind the token is asked for anew, as if it
//! were introspected, and nothing is written.

use super::token_response::TokenResponse;
use super::user_tokens::{self, Person};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::oauth::token_status::{self, TokenStatus};
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::token_exchange::{ExchangeContext, admit, exchange, rejection};
use countersign_protocol::oauth::token::ExchangeRequest;
use countersign_store::token_family;

/// Exchanges a person's access token.
///
/// # Errors
/// `unauthorized_client`, `invalid_request`, `invalid_target`, `invalid_scope`.
pub async fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    request: &ExchangeRequest<'_>,
) -> Result<TokenResponse, OAuthError> {
    let credential_id = admit(request, client)?;
    let standing = token_status::access_token(call, request.subject_token).await.map_err(oauth_error)?;
    let TokenStatus::Active(subject, Some(grant)) = standing else { return Err(rejection()) };
    let authorized = call.app.client(call.environment.id(), grant.client_id).await.map_err(oauth_error)?;
    let here = ExchangeContext {
        environment: call.environment.environment.client_id,
        resources: &call.environment.resources,
        assigned: &authorized.ok_or_else(rejection)?.application.scopes,
        now: call.app.clock.now(),
    };
    let exchanged = exchange(request, &subject.claims, (client, credential_id), here)?;
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let mut reader = call.app.store.reader().await.map_err(database)?;
    let family = token_family::find(&mut reader, call.environment.id(), grant.id).await.map_err(database)?;
    let family = family.ok_or_else(rejection)?;
    let person = Person::load(call, &mut reader, family.user_id, family.organization_id, rejection).await?;
    drop(reader);
    user_tokens::issue_exchanged(call, client, &family, person, exchanged)
}
