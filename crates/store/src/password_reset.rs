//! Requested password resets.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, PasswordResetId, UserId};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO password_reset (environment_id, id, user_id, email, token_digest, sealed_token, expires_at, created_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND = "SELECT id, user_id, email, sealed_token, used_at, expires_at, created_at FROM password_reset ",
        "WHERE environment_id = $1 AND id = $2";
    FIND_BY_DIGEST = "SELECT id, user_id, email, sealed_token, used_at, expires_at, created_at FROM password_reset ",
        "WHERE environment_id = $1 AND token_digest = $2";
    USE = "UPDATE password_reset SET used_at = $3 WHERE environment_id = $1 AND id = $2 AND used_at IS NULL";
    USE_ALL = "UPDATE password_reset SET used_at = $3 WHERE environment_id = $1 AND user_id = $2 AND used_at IS NULL";
    PRUNE = "DELETE FROM password_reset WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM password_reset WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// A requested password reset.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// Its ID.
    pub id: PasswordResetId,
    /// The user whose password it resets.
    pub user_id: UserId,
    /// The email address its link was sent to.
    pub email: String,
    /// The sealed token of its link, which the API shows again.
    pub sealed_token: Vec<u8>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}

fn read(row: &Row) -> Result<PasswordReset> {
    Ok(PasswordReset {
        id: row.parse(0)?,
        user_id: row.parse(1)?,
        email: row.text(2)?.to_owned(),
        sealed_token: row.bytes(3)?.to_vec(),
        used_at: row.opt_timestamp(4)?,
        expires_at: row.timestamp(5)?,
        created_at: row.timestamp(6)?,
    })
}

/// Inserts a reset.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, reset: &PasswordReset, digest: &Digest) -> Result<()> {
    let params = [
        environment_id.into(),
        reset.id.into(),
        reset.user_id.into(),
        (&reset.email).into(),
        digest.into(),
        reset.sealed_token.as_slice().into(),
        reset.expires_at.into(),
        reset.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the reset with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: PasswordResetId,
) -> Result<Option<PasswordReset>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the reset whose token has this digest.
///
/// # Errors
/// Database errors.
pub async fn find_by_digest(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<PasswordReset>> {
    query.query_opt(FIND_BY_DIGEST, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Uses up a reset: of several concurrent callers, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn use_up(tx: &mut Tx, environment_id: EnvironmentId, id: PasswordResetId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(USE, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Invalidates all of a user's unused reset links.
///
/// # Errors
/// Database errors.
pub async fn use_up_all(tx: &mut Tx, environment_id: EnvironmentId, user_id: UserId, now: Timestamp) -> Result<()> {
    tx.execute(USE_ALL, &[environment_id.into(), user_id.into(), now.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand resets that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
