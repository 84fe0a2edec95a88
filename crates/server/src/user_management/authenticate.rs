//! `POST /user_management/authenticate`. The endpoint owns the steps that every grant shares, so that no grant can forget
//! one: read the parameters, find the client, read the grant, let the client prove itself as the grant demands, let the
//! grant decide, answer.

use super::Refused;
use super::grant::{
    authorization_code, device_code, email_verification, magic_auth, mfa_totp, organization_selection, password,
    refresh_token,
};
use super::refresh_token_cookie::{self, Page};
use crate::app::App;
use crate::domain::Act;
use crate::domain::users::authentications::ClientInfo;
use crate::http::oauth_call::OAuthCall;
use crate::http::reply::Reply;
use crate::http::{cors, error};
use crate::jobs::last_used::Subject;
use countersign_protocol::id::ClientId;
use countersign_protocol::model::Actor;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::secret::SecretKind;
use countersign_protocol::user_management::authenticate::{ClientProof, Grant};
use countersign_protocol::user_management::error::AuthenticateError;
use http::header::USER_AGENT;
use std::net::IpAddr;

/// A request whose client is the environment's own application.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The call.
    pub call: &'a OAuthCall,
    /// Whether the client has shown its secret. Without it, it is whoever has what the grant asks for.
    pub secret_proven: bool,
    /// From where a session comes that begins now.
    pub ip_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The page that asks, when the browser is to keep its refresh token.
    pub page: Option<&'a Page<'a>>,
}

impl Asking<'_> {
    /// What acts of this request need.
    pub fn act(&self) -> Act {
        let App { clock, entropy, keyring, .. } = &*self.call.app;
        Act::new(&self.call.environment.environment, Actor::Visitor, clock, entropy, keyring)
    }

    /// From where somebody signs in.
    pub fn client_info(&self) -> ClientInfo {
        ClientInfo { ip_address: self.ip_address.clone(), user_agent: self.user_agent.clone() }
    }
}

/// Signs somebody in.
///
/// # Errors
/// Never: errors have shapes of their own here. The type is that of an OAuth endpoint.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let reply = match answer(&call).await {
        Ok(reply) => reply,
        Err(refused) => error::authenticate(&refused.into_error()),
    };
    // A page may read why it gets nothing, too.
    Ok(cors::allow_own(reply, &call.headers, &call.environment))
}

async fn answer(call: &OAuthCall) -> Result<Reply, Refused> {
    let params = call.params_and_more()?;
    let client_id = params.get("client_id").and_then(|text| ClientId::parse(text).ok());
    if client_id != Some(call.environment.environment.client_id) {
        return Err(refuse_client(call));
    }
    let secret_proven = prove(call, &params).await?;
    let page = Page::of(call, &params);
    let grant = Grant::parse(&params, page.as_ref().and_then(Page::token))?;
    let proven = match grant.client_proof() {
        ClientProof::Secret => secret_proven,
        // The verifier is checked with the code it belongs to.
        ClientProof::SecretOrVerifier => secret_proven || params.get("code_verifier").is_some(),
        ClientProof::Nothing => true,
    };
    if !proven {
        return Err(refuse_client(call));
    }
    // Who proves nothing must not use up what others may ask.
    let from = if secret_proven { None } else { Some(call.peer.limit_key()) };
    call.app.limits.client(call.environment.environment.client_id, from).map_err(OAuthError::from)?;
    let asking = Asking { page: page.as_ref(), ..asking(call, &params, secret_proven) };
    match grant {
        Grant::AuthorizationCode { code, code_verifier, redirect_uri, invitation_token } => {
            authorization_code::answer(&asking, code, (code_verifier, redirect_uri), invitation_token).await
        }
        Grant::Password { email, password, invitation_token } => {
            password::answer(&asking, email, password, invitation_token).await
        }
        Grant::RefreshToken { refresh_token, organization_id } => {
            let answered = refresh_token::answer(&asking, refresh_token, organization_id).await;
            match answered {
                // What the browser keeps is good for nothing any more.
                Err(Refused::Error(refused @ AuthenticateError::OAuth("invalid_grant", _))) if page.is_some() => {
                    Ok(refresh_token_cookie::forget(error::authenticate(&refused), &call.headers, &call.environment))
                }
                answered => answered,
            }
        }
        Grant::OrganizationSelection { pending_authentication_token, organization_id } => {
            organization_selection::answer(&asking, pending_authentication_token, organization_id).await
        }
        Grant::MfaTotp { code, pending_authentication_token, authentication_challenge_id } => {
            mfa_totp::answer(&asking, pending_authentication_token, (authentication_challenge_id, code)).await
        }
        Grant::DeviceCode { device_code } => device_code::answer(&asking, device_code).await,
        Grant::MagicAuth { code, email, invitation_token } => {
            magic_auth::answer(&asking, email, code, invitation_token).await
        }
        Grant::EmailVerification { code, pending_authentication_token } => {
            email_verification::answer(&asking, pending_authentication_token, code).await
        }
    }
}

/// What is said of where a person is counts when the client that says it is proven; else what is seen.
fn asking<'a>(call: &'a OAuthCall, params: &Params<'_>, secret_proven: bool) -> Asking<'a> {
    let (ip_address, user_agent) = if secret_proven {
        let address = params.get("ip_address").and_then(|text| text.parse::<IpAddr>().ok());
        (address.map(|address| address.to_string()), params.get("user_agent"))
    } else {
        let seen = call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        (Some(call.peer.address.to_string()), seen)
    };
    let user_agent = user_agent.map(|text| text.chars().take(400).collect());
    Asking { call, secret_proven, ip_address, user_agent, page: None }
}

pub(super) fn refuse_client(call: &OAuthCall) -> Refused {
    match call.app.limits.failure(call.peer.limit_key()) {
        Ok(()) => AuthenticateError::invalid_client().into(),
        Err(exceeded) => OAuthError::from(exceeded).into(),
    }
}

/// Whether the client has shown its secret, which is an API key of the environment.
///
/// # Errors
/// `invalid_client` for a secret that is no API key of this environment.
async fn prove(call: &OAuthCall, params: &Params<'_>) -> Result<bool, Refused> {
    let Some(secret) = params.get("client_secret") else { return Ok(false) };
    if SecretKind::recognise(secret).is_some_and(|kind| kind != SecretKind::EnvironmentApiKey) {
        return Err(refuse_client(call));
    }
    let digest = call.app.keyring.environment_api_key.digest(secret);
    if call.app.caches.environment_api_keys.get(&digest).is_none() {
        call.app.limits.lookup(call.peer.limit_key()).map_err(OAuthError::from)?;
    }
    match call.app.environment_api_key(&digest).await? {
        Some(key) if key.environment_id == call.environment.id() => {
            call.app.last_used.note(key.environment_id, Subject::EnvironmentApiKey(key.id), call.app.clock.now());
            Ok(true)
        }
        _ => Err(refuse_client(call)),
    }
}
