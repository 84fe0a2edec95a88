//! Devices waiting for a user's approval to get a session of the environment's own application.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId, SessionId};
use countersign_protocol::model::SessionDevice;
use countersign_protocol::oauth::grant::device_code::DeviceState;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO session_device (environment_id, digest, user_code, state, interval_seconds, expires_at) ",
        "VALUES ($1, $2, $3, 'pending', $4, $5)";
    FIND = "SELECT digest, user_code, state, session_id, organization_id, interval_seconds, polled_at, expires_at FROM session_device ",
        "WHERE environment_id = $1 AND digest = $2";
    FIND_BY_USER_CODE = "SELECT digest, user_code, state, session_id, organization_id, interval_seconds, polled_at, expires_at ",
        "FROM session_device WHERE environment_id = $1 AND user_code = $2";
    APPROVE = "UPDATE session_device SET state = 'approved', session_id = $3, organization_id = $4 ",
        "WHERE environment_id = $1 AND digest = $2 AND state = 'pending'";
    DENY = "UPDATE session_device SET state = 'denied' WHERE environment_id = $1 AND digest = $2 AND state = 'pending'";
    REDEEM = "UPDATE session_device SET state = 'redeemed' WHERE environment_id = $1 AND digest = $2 AND state = 'approved'";
    POLLED = "UPDATE session_device SET polled_at = $3, interval_seconds = interval_seconds + $4 WHERE environment_id = $1 AND digest = $2";
    PRUNE = "DELETE FROM session_device WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM session_device WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<SessionDevice> {
    Ok(SessionDevice {
        digest: row.digest(0)?,
        user_code: row.text(1)?.to_owned(),
        state: row.word(2, DeviceState::parse)?,
        session_id: row.opt_parse(3)?,
        organization_id: row.opt_parse(4)?,
        interval: row.int(5)?,
        polled_at: row.opt_timestamp(6)?,
        expires_at: row.timestamp(7)?,
    })
}

/// Inserts a pending device.
///
/// # Errors
/// `Unique` if another device has the same user code.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, device: &SessionDevice) -> Result<()> {
    let params = [
        environment_id.into(),
        (&device.digest).into(),
        (&device.user_code).into(),
        device.interval.into(),
        device.expires_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the device with this device code digest.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<SessionDevice>> {
    query.query_opt(FIND, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the device with this user code.
///
/// # Errors
/// Database errors.
pub async fn find_by_user_code(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_code: &str,
) -> Result<Option<SessionDevice>> {
    query.query_opt(FIND_BY_USER_CODE, &[environment_id.into(), user_code.into()]).await?.as_ref().map(read).transpose()
}

/// Records the user's approval, given in this session; `false` if it is no longer pending.
///
/// # Errors
/// Database errors.
pub async fn approve(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    session_id: SessionId,
    organization_id: Option<OrganizationId>,
) -> Result<bool> {
    let params = [environment_id.into(), digest.into(), session_id.into(), organization_id.into()];
    Ok(tx.execute(APPROVE, &params).await? == 1)
}

/// Records the user's refusal; `false` if it is no longer pending.
///
/// # Errors
/// Database errors.
pub async fn deny(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest) -> Result<bool> {
    Ok(tx.execute(DENY, &[environment_id.into(), digest.into()]).await? == 1)
}

/// Redeems an approval: of several concurrent callers, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn redeem(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest) -> Result<bool> {
    Ok(tx.execute(REDEEM, &[environment_id.into(), digest.into()]).await? == 1)
}

/// Records a poll, and by how many seconds the device must slow down.
///
/// # Errors
/// Database errors.
pub async fn polled(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    now: Timestamp,
    slower: i64,
) -> Result<()> {
    tx.execute(POLLED, &[environment_id.into(), digest.into(), now.into(), slower.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand devices that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
