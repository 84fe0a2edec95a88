//! Public halves of deleted signing keys: an ID token signed by one remains usable as a hint for a long time.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, SigningKeyId};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO past_signing_key (environment_id, id, algorithm, public_key, retired_at) VALUES ($1, $2, $3, $4, $5)";
    LIST = "SELECT id, algorithm, public_key, retired_at FROM past_signing_key WHERE environment_id = $1 ORDER BY id";
    DELETE = "DELETE FROM past_signing_key WHERE environment_id = $1 AND id = $2";
    PRUNE = "DELETE FROM past_signing_key WHERE environment_id = $1 AND retired_at < $2";
}

/// The public half of a deleted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastSigningKey {
    /// The key ID it was published under.
    pub id: SigningKeyId,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The public key, in the format of the signing key's record.
    pub public_key: Vec<u8>,
    /// When it stopped signing: nothing it signed states a later time.
    pub retired_at: Timestamp,
}

fn read(row: &Row) -> Result<PastSigningKey> {
    Ok(PastSigningKey {
        id: row.parse(0)?,
        algorithm: row.word(1, Algorithm::parse)?,
        public_key: row.bytes(2)?.to_vec(),
        retired_at: row.timestamp(3)?,
    })
}

/// Inserts a key.
///
/// # Errors
/// `Unique` if it already exists.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, key: &PastSigningKey) -> Result<()> {
    let params = [
        environment_id.into(),
        key.id.into(),
        key.algorithm.as_str().into(),
        key.public_key.as_slice().into(),
        key.retired_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns an environment's past keys.
///
/// # Errors
/// Database errors.
pub async fn list(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<PastSigningKey>> {
    query.query(LIST, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Deletes a key; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: SigningKeyId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Deletes the keys that stopped signing before the given time.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, environment_id: EnvironmentId, before: Timestamp) -> Result<()> {
    tx.execute(PRUNE, &[environment_id.into(), before.into()]).await?;
    Ok(())
}
