//! The device grant: a device polls until the person has answered, and gets a session of its own.

use crate::domain::sessions::Origin;
use crate::domain::sessions::{self, families};
use crate::domain::{Act, Failure};
use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, tokens};
use countersign_protocol::model::{Session, SessionDevice, SessionFamily, User};
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::grant::device_code::{INTERVAL, is_answered};
use countersign_protocol::secret::Digest;
use countersign_store::{Tx, membership, session, session_device, session_family, user};

fn rejection() -> OAuthError {
    OAuthError::invalid_grant("The device code is unknown or used, or what was agreed to has ended.")
}

/// Answers a poll.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`.
pub async fn answer(asking: &Asking<'_>, device_code: &str) -> Result<Reply, Refused> {
    let (app, act) = (&asking.call.app, asking.act());
    let digest = app.keyring.session_device_code.digest(device_code);
    let mut reader = app.store.reader().await?;
    let device = session_device::find(&mut reader, act.environment_id, &digest).await?.ok_or_else(rejection)?;
    drop(reader);
    if let Err(error) = is_answered(device.state, device.polled_at, (device.interval, device.expires_at), act.now) {
        note_poll(asking, act, digest, &error).await?;
        return Err(error.into());
    }
    // What tokens will say is loaded before the code is spent: it is good for another try when that fails.
    let mut reader = app.store.reader().await?;
    let agreed_in = match device.session_id {
        Some(id) => session::find(&mut reader, act.environment_id, id).await?,
        None => None,
    };
    let person = user::find(&mut reader, act.environment_id, agreed_in.ok_or_else(rejection)?.user_id).await?;
    drop(reader);
    let holder = tokens::Holder::load(asking, &person.ok_or_else(rejection)?, device.organization_id).await?;
    let (ip_address, user_agent) = (asking.ip_address.clone(), asking.user_agent.clone());
    let redeemed = app.store.write::<(User, Session, SessionFamily), Refused, _>(move |tx| {
        Box::pin(async move { redeem(tx, &act, device, (ip_address, user_agent)).await })
    });
    let (user, session, family) = redeemed.await?;
    tokens::issue(asking, holder, &user, &session, &family)
}

/// Notes a poll that came before the answer, or too soon.
async fn note_poll(asking: &Asking<'_>, act: Act, digest: Digest, error: &OAuthError) -> Result<(), Failure> {
    let slower = match error.code {
        OAuthErrorCode::SlowDown => INTERVAL,
        OAuthErrorCode::AuthorizationPending => 0,
        _ => return Ok(()),
    };
    let noted = asking.call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { Ok(session_device::polled(tx, act.environment_id, &digest, act.now, slower).await?) })
    });
    noted.await
}

async fn redeem(
    tx: &mut Tx,
    act: &Act,
    device: SessionDevice,
    (ip_address, user_agent): (Option<String>, Option<String>),
) -> Result<(User, Session, SessionFamily), Refused> {
    // Of all who poll, one redeems.
    if !session_device::redeem(tx, act.environment_id, &device.digest).await? {
        return Err(rejection().into());
    }
    // The person agreed in a session. If that has ended meanwhile, somebody had a reason to end it.
    let agreed_in = match device.session_id {
        Some(id) => session::find(tx, act.environment_id, id).await?,
        None => None,
    };
    let agreed_in = agreed_in.ok_or_else(rejection)?;
    // Asked again when nobody can end it any more before this transaction does: neither alone nor with all others.
    user::lock(tx, act.environment_id, agreed_in.user_id).await?;
    let organization_id = device.organization_id;
    if let Some(id) = organization_id
        && !membership::hold(tx, act.environment_id, agreed_in.user_id, id).await?
    {
        return Err(rejection().into());
    }
    if !session::hold(tx, act.environment_id, agreed_in.id).await? {
        return Err(rejection().into());
    }
    let agreed_in = session::find(tx, act.environment_id, agreed_in.id).await?;
    let agreed_in = agreed_in.filter(|session| sessions::is_live(act, session)).ok_or_else(rejection)?;
    let origin = Origin { method: agreed_in.authentication_method, ip_address, user_agent, organization_id };
    let session = sessions::start(tx, act, agreed_in.user_id, &origin).await?;
    let family = families::begin(act, &session, organization_id)?;
    session_family::insert(tx, act.environment_id, &family).await?;
    let user = user::find(tx, act.environment_id, agreed_in.user_id).await?.ok_or_else(rejection)?;
    Ok((user, session, family))
}
