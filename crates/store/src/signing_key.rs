//! Signing keys.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, SigningKeyId};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{KeyPurpose, KeyState, SigningKeyRecord};

statements! {
    INSERT = "INSERT INTO signing_key (environment_id, id, purpose, algorithm, state, until, public_key, certificate, sealed_private_key, created_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    LIST = "SELECT id, environment_id, purpose, algorithm, state, until, public_key, certificate, sealed_private_key, created_at ",
        "FROM signing_key WHERE environment_id = $1 ORDER BY id";
    SET_STATE = "UPDATE signing_key SET state = $3, until = $4 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM signing_key WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE environment SET updated_at = updated_at WHERE id = $1";
}

fn read(row: &Row) -> Result<SigningKeyRecord> {
    let state = KeyState::from_parts(row.text(4)?, row.opt_timestamp(5)?)
        .ok_or_else(|| crate::Error::Corrupt("a signing key's state".to_owned()))?;
    Ok(SigningKeyRecord {
        id: row.parse(0)?,
        environment_id: row.parse(1)?,
        purpose: row.word(2, KeyPurpose::parse)?,
        algorithm: row.word(3, Algorithm::parse)?,
        state,
        public_key: row.bytes(6)?.to_vec(),
        certificate: row.bytes(7)?.to_vec(),
        sealed_private_key: row.bytes(8)?.to_vec(),
        created_at: row.timestamp(9)?,
    })
}

/// Inserts a key.
///
/// # Errors
/// `Unique` if the environment has another active or another pending key of that purpose.
pub async fn insert(tx: &mut Tx, key: &SigningKeyRecord) -> Result<()> {
    let params = [
        key.environment_id.into(),
        key.id.into(),
        key.purpose.as_str().into(),
        key.algorithm.as_str().into(),
        key.state.as_str().into(),
        key.state.until().into(),
        key.public_key.as_slice().into(),
        key.certificate.as_slice().into(),
        key.sealed_private_key.as_slice().into(),
        key.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns an environment's keys, oldest first.
///
/// # Errors
/// Database errors.
pub async fn list(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<SigningKeyRecord>> {
    query.query(LIST, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Locks an environment's row, which serializes changes to its keys, until the transaction ends.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId) -> Result<()> {
    tx.execute(LOCK, &[environment_id.into()]).await?;
    Ok(())
}

/// Sets a key's state.
///
/// # Errors
/// `Unique` if the environment has another active or another pending key of that purpose.
pub async fn set_state(tx: &mut Tx, environment_id: EnvironmentId, id: SigningKeyId, state: KeyState) -> Result<()> {
    tx.execute(SET_STATE, &[environment_id.into(), id.into(), state.as_str().into(), state.until().into()]).await?;
    Ok(())
}

/// Deletes a key; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: SigningKeyId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
