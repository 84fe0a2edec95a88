//! `POST /user_management/authorize/device`: a device asks for a code that a person will enter elsewhere.

use super::Refused;
use super::authenticate::refuse_client;
use crate::domain::attempts::{self, DEVICES_FROM};
use crate::domain::{Act, Failure};
use crate::http::error;
use crate::http::oauth_call::OAuthCall;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::ClientId;
use countersign_protocol::model::{Actor, SessionDevice};
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::device_code::{DeviceState, INTERVAL, LIFETIME, user_code};
use countersign_store::{device_authorization, session_device};
use serde_json::json;

/// How often a user code that happens to be in use is drawn again.
const DRAWS: usize = 5;

/// Gives a device its codes.
///
/// # Errors
/// Never: errors have shapes of their own here. The type is that of an OAuth endpoint.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    Ok(match answer(&call).await {
        Ok(reply) => reply,
        Err(refused) => error::authenticate(&refused.into_error()),
    })
}

async fn answer(call: &OAuthCall) -> Result<Reply, Refused> {
    let params = call.params_and_more()?;
    let environment = &call.environment.environment;
    let client_id = params.get("client_id").and_then(|text| ClientId::parse(text).ok());
    if client_id != Some(environment.client_id) {
        return Err(refuse_client(call));
    }
    let act = Act::new(environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring);
    // Devices have proven nothing: what they make is bounded by where they ask from.
    let (counting, from) = (act.clone(), call.peer.limit_key().to_string());
    let counted = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { attempts::count(tx, &counting, DEVICES_FROM, &from).await })
    });
    if let Err(over_at) = counted.await? {
        return Err(Refused::too_many(over_at, act.now));
    }
    let device_code = URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<48>()?);
    for _ in 0..DRAWS {
        let random: [u8; 24] = call.app.entropy.bytes()?;
        let Some(user_code) = user_code(&random) else { continue };
        let device = SessionDevice {
            digest: call.app.keyring.session_device_code.digest(&device_code),
            user_code: user_code.clone(),
            state: DeviceState::Pending,
            session_id: None,
            organization_id: None,
            interval: INTERVAL,
            polled_at: None,
            expires_at: act.now.plus_secs(LIFETIME),
        };
        let environment_id = act.environment_id;
        let kept = call.app.store.write::<bool, countersign_store::Error, _>(move |tx| {
            Box::pin(async move {
                // One page takes the codes of both kinds of devices.
                let code = &device.user_code;
                if device_authorization::find_by_user_code(tx, environment_id, code).await?.is_some() {
                    return Ok(false);
                }
                session_device::insert(tx, environment_id, &device).await.map(|()| true)
            })
        });
        match kept.await {
            Ok(true) => {}
            Ok(false) | Err(countersign_store::Error::Unique { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        let issuer = environment.issuer.as_str();
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
    Err(Failure::internal("no user code is free").into())
}
