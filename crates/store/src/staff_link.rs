//! Links that admit someone to the dashboard without an invitation.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::StaffRole;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO staff_link (environment_id, digest, role, expires_at) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT role FROM staff_link WHERE environment_id = $1 AND digest = $2 AND expires_at > $3";
    USE_UP = "DELETE FROM staff_link WHERE environment_id = $1 AND digest = $2 AND expires_at > $3 RETURNING role";
    DELETE_ALL = "DELETE FROM staff_link WHERE environment_id = $1";
    PRUNE = "DELETE FROM staff_link WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM staff_link WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// Inserts a link.
///
/// # Errors
/// Database errors.
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    role: StaffRole,
    expires_at: Timestamp,
) -> Result<()> {
    tx.execute(INSERT, &[environment_id.into(), digest.into(), role.as_str().into(), expires_at.into()]).await?;
    Ok(())
}

/// Returns the role a link grants; `None` if it was used, has expired, or never existed.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<StaffRole>> {
    let row = query.query_opt(FIND, &[environment_id.into(), digest.into(), now.into()]).await?;
    row.map(|row| row.word(0, StaffRole::parse)).transpose()
}

/// Uses up a link; of two concurrent callers, one gets its role.
///
/// # Errors
/// Database errors.
pub async fn use_up(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<StaffRole>> {
    let row = tx.query_opt(USE_UP, &[environment_id.into(), digest.into(), now.into()]).await?;
    row.map(|row| row.word(0, StaffRole::parse)).transpose()
}

/// Deletes every unused link.
///
/// # Errors
/// Database errors.
pub async fn delete_all(tx: &mut Tx, environment_id: EnvironmentId) -> Result<()> {
    tx.execute(DELETE_ALL, &[environment_id.into()]).await?;
    Ok(())
}

/// Deletes expired links, at most a thousand; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
