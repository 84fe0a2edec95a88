//! The device grant: a device polls until the person has answered.

use super::token_response::TokenResponse;
use super::user_tokens::{self, Authorized, Person, RedeemedCode};
use crate::domain::Failure;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::grant::device_code::{INTERVAL, Ready, poll, rejection};
use countersign_store::device_authorization;

/// Answers a poll.
///
/// # Errors
/// As [`poll`].
pub async fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    device_code: &str,
) -> Result<TokenResponse, OAuthError> {
    let environment_id = call.environment.id();
    let digest = call.app.keyring.device_code.digest(device_code);
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let now = call.app.clock.now();
    let mut reader = call.app.store.reader().await.map_err(database)?;
    let device = device_authorization::find(&mut reader, environment_id, &digest).await.map_err(database)?;
    let device = device.ok_or_else(rejection)?;
    let Ready(approval) = match poll(&device, client, now) {
        Ok(ready) => ready,
        Err(error) => {
            drop(reader);
            let slower = match error.code {
                OAuthErrorCode::SlowDown => INTERVAL,
                OAuthErrorCode::AuthorizationPending => 0,
                _ => return Err(error),
            };
            call.app
                .store
                .write::<(), Failure, _>(move |tx| {
                    Box::pin(async move {
                        Ok(device_authorization::polled(tx, environment_id, &digest, now, slower).await?)
                    })
                })
                .await
                .map_err(oauth_error)?;
            return Err(error);
        }
    };
    let person = Person::load(call, &mut reader, approval.user_id, approval.organization_id, rejection).await?;
    drop(reader);
    let family = user_tokens::begin(
        call,
        Authorized {
            approval,
            shows_auth_time: false,
            application_id: device.application_id,
            resource: String::new(),
            scopes: device.scopes,
        },
    )?;
    let redeemed = user_tokens::redeem(call, client, &family, RedeemedCode::DeviceCode(digest));
    if !redeemed.await? {
        return Err(rejection());
    }
    user_tokens::issue(call, client, &family, person, None)
}
