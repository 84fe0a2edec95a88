//! `POST /oauth2/introspection` (RFC 7662): any confidential client of the environment may ask. One that anybody could have
//! registered learns of its own tokens alone (§4).

use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use crate::oauth::token_status::{self, TokenStatus};
use bytes::Bytes;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::introspection::{ActiveAccessToken, ActiveRefreshToken, INACTIVE};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::scope::still_assigned;
use countersign_store::{application, token_family};
use http::StatusCode;

/// Tells about a token.
///
/// # Errors
/// `invalid_client`, `invalid_request`.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let params = call.params()?;
    let presenting = call.load_client(&params).await?;
    let client = call.authenticate(&presenting)?;
    client.require_secret()?;
    let client = client.client();
    let may_know = |name: &ClientName<'_>| client.registered.is_none() || client.application.client_name() == *name;
    // The hint (§2.1) is only a hint: the token itself tells what it is.
    let token = params.require("token")?;
    if let Some(token) = RefreshToken::read(token, &call.app.keyring.refresh_token, call.environment.id()) {
        return refresh_token(&call, token, may_know).await;
    }
    Ok(match token_status::access_token(&call, token).await.map_err(oauth_error)? {
        TokenStatus::Active(verified, family)
            if ClientName::parse(&verified.claims.client_id).is_some_and(|name| may_know(&name)) =>
        {
            Reply::ok(&ActiveAccessToken::new(&verified.claims, family.as_ref())).no_store()
        }
        TokenStatus::Active(..) | TokenStatus::Inactive => inactive(),
    })
}

fn inactive() -> Reply {
    Reply::json_bytes(StatusCode::OK, Bytes::from_static(INACTIVE.as_bytes())).no_store()
}

async fn refresh_token(
    call: &OAuthCall,
    token: RefreshToken,
    may_know: impl Fn(&ClientName<'_>) -> bool,
) -> Result<Reply, OAuthError> {
    let environment_id = call.environment.id();
    let Some(grant) = call.app.standing_grant(environment_id, token.family_id).await.map_err(oauth_error)? else {
        return Ok(inactive());
    };
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let mut reader = call.app.store.reader().await.map_err(database)?;
    let family = token_family::find(&mut reader, environment_id, grant.id).await.map_err(database)?;
    let application = application::find(&mut reader, environment_id, grant.application_id).await.map_err(database)?;
    drop(reader);
    let now = call.app.clock.now();
    // As the token endpoint would have it: by the policy of today.
    let family = family.map(|family| call.environment.environment.sessions.bound(family));
    let live = family.filter(|family| {
        family.generation == token.generation
            && family.ended_at.is_none()
            && now < family.idle_expires_at
            && now < family.expires_at
    });
    let (Some(family), Some(application)) = (live, application) else { return Ok(inactive()) };
    let name = application.client_name();
    if !may_know(&name) || call.app.client_named(&call.environment, &name).await.map_err(oauth_error)?.is_none() {
        return Ok(inactive());
    }
    Ok(Reply::ok(&ActiveRefreshToken {
        active: true,
        token_type: "refresh_token",
        client_id: name,
        iss: call.environment.environment.issuer.as_str(),
        sub: family.persona.subject_of(family.user_id),
        iat: family.created_at.as_secs(),
        org_id: family.organization_id,
        scope: still_assigned(&family.scopes, &application.scopes).join(" "),
    })
    .no_store())
}
