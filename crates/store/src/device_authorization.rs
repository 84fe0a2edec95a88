//! Device authorizations (RFC 8628): devices waiting for a user's approval.

use crate::consent::written;
use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, UserId};
use countersign_protocol::model::{Choices, Persona};
use countersign_protocol::oauth::grant::device_code::{Approval, DeviceAuthorization, DeviceState};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO device_authorization (environment_id, digest, user_code, application_id, scope, state, interval_seconds, expires_at) ",
        "VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7)";
    FIND = "SELECT digest, user_code, application_id, scope, state, consent_id, user_id, organization_id, session_id, authenticated_at, ",
        "interval_seconds, polled_at, expires_at, subject, choices FROM device_authorization WHERE environment_id = $1 AND digest = $2";
    FIND_BY_USER_CODE = "SELECT digest, user_code, application_id, scope, state, consent_id, user_id, organization_id, session_id, ",
        "authenticated_at, interval_seconds, polled_at, expires_at, subject, choices FROM device_authorization WHERE environment_id = $1 AND user_code = $2";
    APPROVE = "UPDATE device_authorization SET state = 'approved', consent_id = $3, user_id = $4, organization_id = $5, session_id = $6, ",
        "authenticated_at = $7, subject = $8, choices = $9 WHERE environment_id = $1 AND digest = $2 AND state = 'pending'";
    DENY = "UPDATE device_authorization SET state = 'denied' WHERE environment_id = $1 AND digest = $2 AND state = 'pending'";
    // Goes through the consents, which are few and have an index.
    DENY_APPROVED_OF_USER = "UPDATE device_authorization SET state = 'denied' WHERE environment_id = $1 AND consent_id IN ",
        "(SELECT id FROM consent WHERE environment_id = $1 AND user_id = $2) AND state = 'approved'";
    DENY_APPROVED_FIRST_PARTY_OF_USER = "UPDATE device_authorization SET state = 'denied' WHERE environment_id = $1 AND consent_id IN ",
        "(SELECT c.id FROM consent c JOIN connect_application a ON a.environment_id = c.environment_id AND a.id = c.application_id ",
        "WHERE c.environment_id = $1 AND c.user_id = $2 AND a.ownership = 'first_party') AND state = 'approved'";
    REDEEM = "UPDATE device_authorization SET state = 'redeemed' WHERE environment_id = $1 AND digest = $2 AND state = 'approved'";
    POLLED = "UPDATE device_authorization SET polled_at = $3, interval_seconds = interval_seconds + $4 WHERE environment_id = $1 AND digest = $2";
    PRUNE = "DELETE FROM device_authorization WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM device_authorization WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<DeviceAuthorization> {
    let approval = match (row.opt_parse(5)?, row.opt_parse(6)?, row.opt_timestamp(9)?) {
        (Some(consent_id), Some(user_id), Some(authenticated_at)) => Some(Approval {
            consent_id,
            user_id,
            organization_id: row.opt_parse(7)?,
            session_id: row.opt_parse(8)?,
            persona: Persona {
                subject: row.opt_text(13)?.map(str::to_owned),
                choices: if row.opt_text(14)?.is_some() { row.json(14)? } else { Choices::default() },
            },
            authenticated_at,
        }),
        _ => None,
    };
    Ok(DeviceAuthorization {
        digest: row.digest(0)?,
        user_code: row.text(1)?.to_owned(),
        application_id: row.parse(2)?,
        scopes: row.text(3)?.split_ascii_whitespace().map(str::to_owned).collect(),
        state: row.word(4, DeviceState::parse)?,
        approval,
        interval: row.int(10)?,
        polled_at: row.opt_timestamp(11)?,
        expires_at: row.timestamp(12)?,
    })
}

/// Inserts a pending device authorization.
///
/// # Errors
/// `Unique` if the user code is in use.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, device: &DeviceAuthorization) -> Result<()> {
    let params = [
        environment_id.into(),
        (&device.digest).into(),
        (&device.user_code).into(),
        device.application_id.into(),
        device.scopes.join(" ").into(),
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
) -> Result<Option<DeviceAuthorization>> {
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
) -> Result<Option<DeviceAuthorization>> {
    query.query_opt(FIND_BY_USER_CODE, &[environment_id.into(), user_code.into()]).await?.as_ref().map(read).transpose()
}

/// Records the user's approval; `false` if it is no longer pending.
///
/// # Errors
/// Database errors.
pub async fn approve(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest, approval: Approval) -> Result<bool> {
    let params = [
        environment_id.into(),
        digest.into(),
        approval.consent_id.into(),
        approval.user_id.into(),
        approval.organization_id.into(),
        approval.session_id.into(),
        approval.authenticated_at.into(),
        approval.persona.subject.as_ref().into(),
        written(&approval.persona.choices).into(),
    ];
    Ok(tx.execute(APPROVE, &params).await? == 1)
}

/// Records the user's refusal; `false` if it is no longer pending.
///
/// # Errors
/// Database errors.
pub async fn deny(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest) -> Result<bool> {
    Ok(tx.execute(DENY, &[environment_id.into(), digest.into()]).await? == 1)
}

/// Revokes a user's approvals that their devices have not yet redeemed.
///
/// # Errors
/// Database errors.
pub async fn deny_approved_of_user(tx: &mut Tx, environment_id: EnvironmentId, user_id: UserId) -> Result<()> {
    tx.execute(DENY_APPROVED_OF_USER, &[environment_id.into(), user_id.into()]).await?;
    Ok(())
}

/// Like [`deny_approved_of_user`], for the company's own applications only.
///
/// # Errors
/// Database errors.
pub async fn deny_approved_first_party_of_user(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
) -> Result<()> {
    tx.execute(DENY_APPROVED_FIRST_PARTY_OF_USER, &[environment_id.into(), user_id.into()]).await?;
    Ok(())
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

/// Deletes up to a thousand device authorizations that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
