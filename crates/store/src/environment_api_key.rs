//! An environment's own API keys, for the management API.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentApiKeyId, EnvironmentId};
use countersign_protocol::model::EnvironmentApiKey;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO environment_api_key (environment_id, id, name, digest, hint, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    BY_DIGEST = "SELECT id, environment_id, name, hint, last_used_at, created_at FROM environment_api_key WHERE digest = $1";
    LIST = "SELECT id, environment_id, name, hint, last_used_at, created_at FROM environment_api_key WHERE environment_id = $1 ORDER BY id";
    SET_DIGEST = "UPDATE environment_api_key SET digest = $3, hint = $4 WHERE environment_id = $1 AND id = $2";
    HAS_DIGEST = "SELECT 1 FROM environment_api_key WHERE environment_id = $1 AND id = $2 AND digest = $3";
    TOUCH = "UPDATE environment_api_key SET last_used_at = $3 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM environment_api_key WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<EnvironmentApiKey> {
    Ok(EnvironmentApiKey {
        id: row.parse(0)?,
        environment_id: row.parse(1)?,
        name: row.text(2)?.to_owned(),
        hint: row.text(3)?.to_owned(),
        last_used_at: row.opt_timestamp(4)?,
        created_at: row.timestamp(5)?,
    })
}

/// Inserts a key.
///
/// # Errors
/// `Unique` if the environment has a key with that name, or the value is in use.
pub async fn insert(tx: &mut Tx, key: &EnvironmentApiKey, digest: &Digest) -> Result<()> {
    let params = [
        key.environment_id.into(),
        key.id.into(),
        (&key.name).into(),
        digest.into(),
        (&key.hint).into(),
        key.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the key with this digest. Takes no environment, because the key determines it.
///
/// # Errors
/// Database errors.
pub async fn find_by_digest(query: &mut impl Query, digest: &Digest) -> Result<Option<EnvironmentApiKey>> {
    query.query_opt(BY_DIGEST, &[digest.into()]).await?.as_ref().map(read).transpose()
}

/// Returns an environment's keys, oldest first.
///
/// # Errors
/// Database errors.
pub async fn list(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<EnvironmentApiKey>> {
    query.query(LIST, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Whether a key has this digest.
///
/// # Errors
/// Database errors.
pub async fn has_digest(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: EnvironmentApiKeyId,
    digest: &Digest,
) -> Result<bool> {
    Ok(query.query_opt(HAS_DIGEST, &[environment_id.into(), id.into(), digest.into()]).await?.is_some())
}

/// Replaces a key's value.
///
/// # Errors
/// `Unique` if the value is in use.
pub async fn set_digest(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: EnvironmentApiKeyId,
    digest: &Digest,
    hint: &str,
) -> Result<()> {
    tx.execute(SET_DIGEST, &[environment_id.into(), id.into(), digest.into(), hint.into()]).await?;
    Ok(())
}

/// Records when a key was last used.
///
/// # Errors
/// Database errors.
pub async fn touch(tx: &mut Tx, environment_id: EnvironmentId, id: EnvironmentApiKeyId, at: Timestamp) -> Result<()> {
    tx.execute(TOUCH, &[environment_id.into(), id.into(), at.into()]).await?;
    Ok(())
}

/// Deletes a key; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: EnvironmentApiKeyId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
