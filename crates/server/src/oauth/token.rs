//! `POST /oauth2/token` (RFC 6749 §3.2). The endpoint owns the steps every grant shares, so that no grant can forget one:
//! read the parameters, load the client, let it prove itself, read the grant, let the grant decide, answer.

use crate::http::cors;
use crate::http::error;
use crate::http::oauth_call::{OAuthCall, Presenting};
use crate::http::reply::Reply;
use crate::oauth::grant::authorization_code::Presented;
use crate::oauth::grant::token_response::TokenResponse;
use crate::oauth::grant::{authorization_code, client_credentials, device_code, refresh_token, token_exchange};
use countersign_protocol::model::ApplicationKind;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::oauth::token::TokenRequest;

/// Issues tokens.
///
/// # Errors
/// The OAuth error codes of RFC 6749 §5.2.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let params = call.params()?;
    let presenting = call.load_client(&params).await?;
    // A page may read why it gets nothing, too.
    let reply = match answer(&call, &params, &presenting).await {
        Ok(response) => Reply::ok(&response).no_store(),
        Err(refused) => error::oauth(&refused),
    };
    Ok(cors::allow_registered(reply, &call.headers, &call.environment, presenting.client()))
}

async fn answer(call: &OAuthCall, params: &Params<'_>, presenting: &Presenting) -> Result<TokenResponse, OAuthError> {
    let client = call.authenticate(presenting)?;
    let resources = params.all("resource");
    let request = TokenRequest::parse(params)?;
    if request.registered_grant().is_some_and(|grant| !client.client().may(grant)) {
        return Err(OAuthError::not_registered());
    }
    // Nobody signs in to a machine: what people's sign-ins lead to is never its own (RFC 6749 §5.2).
    if request.registered_grant().is_some()
        && matches!(client.client().application.kind, ApplicationKind::Machine { .. })
    {
        return Err(OAuthError::not_registered());
    }
    Ok(match request {
        TokenRequest::ClientCredentials { scope } => client_credentials::issue(call, client, scope)?,
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            let presented = Presented { code, redirect_uri, code_verifier, resources: &resources };
            Box::pin(authorization_code::issue(call, client, presented)).await?
        }
        TokenRequest::DeviceCode { device_code } => Box::pin(device_code::issue(call, client, device_code)).await?,
        TokenRequest::TokenExchange(request) => Box::pin(token_exchange::issue(call, client, &request)).await?,
        TokenRequest::RefreshToken { refresh_token, scope } => {
            Box::pin(refresh_token::issue(call, client, refresh_token, scope, &resources)).await?
        }
    })
}
