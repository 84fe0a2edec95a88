//! `POST /oauth2/register` (RFC 7591): a client registers itself. Anybody may ask where that is on.

use crate::domain::attempts;
use crate::domain::connect::self_registration::{self, Registered};
use crate::domain::{Act, Failure};
use crate::http::cors;
use crate::http::error;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::reply::Reply;
use countersign_protocol::model::Actor;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::registration::dynamic::{MAX_SIZE, Registration, read};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// How often it is looked again for what somebody else registers at the same moment.
const LOOKS: usize = 3;

/// Registers a client.
///
/// # Errors
/// None: a page may read why, too.
pub async fn post(call: OAuthCall) -> Result<Reply, OAuthError> {
    let reply = match register(&call).await {
        Ok(registered) => Reply::created(&registered).no_store(),
        Err(refused) => error::oauth(&refused),
    };
    Ok(cors::allow_all(reply))
}

async fn register(call: &OAuthCall) -> Result<Value, OAuthError> {
    if !call.environment.environment.self_registration.dynamic {
        return Err(OAuthError::new(
            OAuthErrorCode::RegistrationDisabled,
            "Dynamic client registration is disabled for this environment.",
        ));
    }
    let kind = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        return Err(OAuthError::new(
            OAuthErrorCode::InvalidClientMetadata,
            "Send the client's metadata as application/json.",
        ));
    }
    if call.body.len() > MAX_SIZE {
        return Err(OAuthError::new(OAuthErrorCode::RequestTooLarge, "The request is too large."));
    }
    let registration = read(&call.body)?;
    let Registered { application, secret } = keep(call, &registration).await?;
    let mut answer = serde_json::to_value(&registration).map_err(|error| oauth_error(Failure::internal(error)))?;
    answer["client_id"] = json!(application.client_name());
    answer["client_id_issued_at"] = application.created_at.as_secs().into();
    if let Some(secret) = secret {
        answer["client_secret"] = secret.expose().into();
        // It does not expire (RFC 7591 §3.2.1).
        answer["client_secret_expires_at"] = 0.into();
    }
    Ok(answer)
}

async fn keep(call: &OAuthCall, registration: &Registration) -> Result<Registered, OAuthError> {
    let act =
        Act::new(&call.environment.environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring);
    for _ in 0..LOOKS {
        let (acting, registration, from) = (act.clone(), registration.clone(), call.peer.limit_key().to_string());
        let kept = call.app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { self_registration::register(tx, &acting, &registration, &from).await })
        });
        match kept.await {
            // Somebody else registers the same: then that one is found.
            Err(Failure::Store(countersign_store::Error::Unique { .. })) => {}
            Err(failure) => return Err(oauth_error(failure)),
            Ok(Err(over_at)) => return Err(OAuthError::too_many_requests(attempts::seconds_until(&act, over_at))),
            Ok(Ok(registered)) => return Ok(registered),
        }
    }
    Err(oauth_error(Failure::internal("a registration was not kept")))
}
