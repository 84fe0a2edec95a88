//! `POST /oauth2/device_authorization` (RFC 8628 §3.1): a device asks for a code that a person will enter elsewhere.

use crate::client_documents::{self, Asker, Unresolved};
use crate::domain::attempts::{self, DEVICES_FROM};
use crate::domain::{Act, Failure};
use crate::http::oauth_call::{OAuthCall, Presenting, oauth_error};
use crate::http::reply::Reply;
use crate::http::{cors, error};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::model::{Actor, ApplicationKind, RegisteredGrant};
use countersign_protocol::oauth::authorize::request::requested_scopes;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::grant::device_code::{
    DeviceAuthorization, DeviceState, INTERVAL, LIFETIME, user_code,
};
use countersign_protocol::oauth::params::Params;
use countersign_store::{device_authorization, session_device};
use serde_json::json;

/// How often a user code that happens to be in use is drawn again.
const DRAWS: usize = 5;

/// Has the metadata document fetched of a client that has one: a device begins here, as a browser does at the
/// authorization endpoint.
async fn fetch_document(call: &OAuthCall, params: &Params<'_>) -> Result<(), OAuthError> {
    let Some(ClientName::Document(url)) = params.get("client_id").and_then(ClientName::parse) else { return Ok(()) };
    let asker = Asker { from: call.peer.limit_key(), request_id: &call.request_id };
    match client_documents::resolve(&call.app, &call.environment, &url, &asker).await.map_err(oauth_error)? {
        Ok(_) => Ok(()),
        Err(Unresolved::TooMany) => Err(OAuthError::too_many_requests(60)),
        Err(Unresolved::AskFirst) => {
            Err(OAuthError::new(OAuthErrorCode::InvalidClient, "An administrator has to allow this client first."))
        }
        Err(Unresolved::Unusable) => {
            Err(OAuthError::new(OAuthErrorCode::InvalidClient, "The client's metadata document cannot be used."))
        }
        Err(Unresolved::NotAllowed) => Err(OAuthError::invalid_client()),
    }
}

/// Counts a device of a client that has proven nothing: what such clients make is bounded by where they ask from. A secret that
/// one has given oneself by registering proves nothing.
async fn count(call: &OAuthCall, client: AuthenticatedClient<'_>) -> Result<(), OAuthError> {
    if client.secret_id().is_some() && client.client().registered.is_none() {
        return Ok(());
    }
    let act =
        Act::new(&call.environment.environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring);
    let (counting, from) = (act.clone(), call.peer.limit_key().to_string());
    let counted = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { attempts::count(tx, &counting, DEVICES_FROM, &from).await })
    });
    let too_many = |over_at| OAuthError::too_many_requests(attempts::seconds_until(&act, over_at));
    counted.await.map_err(oauth_error)?.map_err(too_many)
}

/// Gives a device its codes.
///
/// # Errors
/// `invalid_client`, `unauthorized_client` for a machine and for a client that has registered other grants, `invalid_scope`.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let params = call.params()?;
    fetch_document(&call, &params).await?;
    let presenting = call.load_client(&params).await?;
    // A page may read why it gets nothing, too.
    let reply = answer(&call, &params, &presenting).await.unwrap_or_else(|refused| error::oauth(&refused));
    Ok(cors::allow_registered(reply, &call.headers, &call.environment, presenting.client()))
}

async fn answer(call: &OAuthCall, params: &Params<'_>, presenting: &Presenting) -> Result<Reply, OAuthError> {
    let client = call.authenticate(presenting)?;
    if !matches!(client.client().application.kind, ApplicationKind::OAuth { .. }) {
        return Err(OAuthError::new(
            OAuthErrorCode::UnauthorizedClient,
            "Nobody signs in to a machine-to-machine application.",
        ));
    }
    // Nothing else ties a device to the client: people would be shown the name of one that never asks for codes.
    if !client.client().may(RegisteredGrant::Device) {
        return Err(OAuthError::not_registered());
    }
    count(call, client).await?;
    let scopes = requested_scopes(params.get("scope"), client.client())
        .map_err(|why| OAuthError::new(OAuthErrorCode::InvalidScope, why))?;
    let failed = |error| oauth_error(Failure::internal(error));
    let environment_id = call.environment.id();
    let device_code = URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<48>().map_err(failed)?);
    let now = call.app.clock.now();
    for _ in 0..DRAWS {
        let random: [u8; 24] = call.app.entropy.bytes().map_err(failed)?;
        let Some(user_code) = user_code(&random) else { continue };
        let device = DeviceAuthorization {
            digest: call.app.keyring.device_code.digest(&device_code),
            user_code: user_code.clone(),
            application_id: client.client().application.id,
            scopes: scopes.clone(),
            state: DeviceState::Pending,
            approval: None,
            interval: INTERVAL,
            polled_at: None,
            expires_at: now.plus_secs(LIFETIME),
        };
        let kept = call.app.store.write::<bool, countersign_store::Error, _>(move |tx| {
            Box::pin(async move {
                // One page takes the codes of both kinds of devices.
                if session_device::find_by_user_code(tx, environment_id, &device.user_code).await?.is_some() {
                    return Ok(false);
                }
                device_authorization::insert(tx, environment_id, &device).await.map(|()| true)
            })
        });
        match kept.await {
            Ok(true) => {}
            Ok(false) | Err(countersign_store::Error::Unique { .. }) => continue,
            // The application has gone since it was loaded.
            Err(countersign_store::Error::ForeignKey) => return Err(OAuthError::invalid_client()),
            Err(error) => return Err(oauth_error(error.into())),
        }
        let issuer = call.environment.environment.issuer.as_str();
        return Ok(Reply::ok(&json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": format!("{issuer}/device"),
            "verification_uri_complete": format!("{issuer}/device?user_code={user_code}"),
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        }))
        .no_store());
    }
    Err(oauth_error(Failure::internal("no user code is free")))
}
