//! Token families: the refresh tokens of sessions.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId, SessionFamilyId, UserId};
use countersign_protocol::model::SessionFamily;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO session_family (environment_id, id, session_id, organization_id, generation, rotated_at, idle_expires_at, created_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND = "SELECT id, session_id, organization_id, generation, rotated_at, idle_expires_at, ended_at, created_at FROM session_family ",
        "WHERE environment_id = $1 AND id = $2";
    ROTATE = "UPDATE session_family SET generation = generation + 1, rotated_at = $4, idle_expires_at = $5, organization_id = $6 ",
        "WHERE environment_id = $1 AND id = $2 AND generation = $3 AND ended_at IS NULL AND EXISTS (SELECT 1 FROM session s ",
        "WHERE s.environment_id = session_family.environment_id AND s.id = session_family.session_id AND s.ended_at IS NULL)";
    SWITCH = "UPDATE session_family SET organization_id = $4 ",
        "WHERE environment_id = $1 AND id = $2 AND generation = $3 AND ended_at IS NULL";
    END = "UPDATE session_family SET ended_at = $3 WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    END_OF_MEMBER = "UPDATE session_family SET ended_at = $4 WHERE environment_id = $1 AND organization_id = $3 AND ended_at IS NULL ",
        "AND session_id IN (SELECT s.id FROM session s WHERE s.environment_id = $1 AND s.user_id = $2)";
    PRUNE = "DELETE FROM session_family WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM session_family WHERE idle_expires_at < $1 ORDER BY idle_expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<SessionFamily> {
    Ok(SessionFamily {
        id: row.parse(0)?,
        session_id: row.parse(1)?,
        organization_id: row.opt_parse(2)?,
        generation: row.int(3)?,
        rotated_at: row.timestamp(4)?,
        idle_expires_at: row.timestamp(5)?,
        ended_at: row.opt_timestamp(6)?,
        created_at: row.timestamp(7)?,
    })
}

/// Inserts a family.
///
/// # Errors
/// `ForeignKey` if the session has since been deleted.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, family: &SessionFamily) -> Result<()> {
    let params = [
        environment_id.into(),
        family.id.into(),
        family.session_id.into(),
        family.organization_id.into(),
        family.generation.into(),
        family.rotated_at.into(),
        family.idle_expires_at.into(),
        family.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the family with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: SessionFamilyId,
) -> Result<Option<SessionFamily>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Makes the next refresh token the current one, for this organization, unless another call has just done so or the
/// session has ended: of several concurrent callers, at most one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn rotate(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    family: &SessionFamily,
    organization_id: Option<OrganizationId>,
    (now, idle_expires_at): (Timestamp, Timestamp),
) -> Result<bool> {
    let params = [
        environment_id.into(),
        family.id.into(),
        family.generation.into(),
        now.into(),
        idle_expires_at.into(),
        organization_id.into(),
    ];
    Ok(tx.execute(ROTATE, &params).await? == 1)
}

/// Moves a family to another organization; `false` if it has been rotated in the meantime, or has ended.
///
/// # Errors
/// Database errors.
pub async fn switch(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    family: &SessionFamily,
    organization_id: Option<OrganizationId>,
) -> Result<bool> {
    let params = [environment_id.into(), family.id.into(), family.generation.into(), organization_id.into()];
    Ok(tx.execute(SWITCH, &params).await? == 1)
}

/// Ends a family; `false` if it does not exist or has already ended.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, environment_id: EnvironmentId, id: SessionFamilyId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(END, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Ends all of a user's families in an organization.
///
/// # Errors
/// Database errors.
pub async fn end_of_member(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    let params = [environment_id.into(), user_id.into(), organization_id.into(), now.into()];
    tx.execute(END_OF_MEMBER, &params).await?;
    Ok(())
}

/// Deletes up to a thousand families whose tokens all expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
