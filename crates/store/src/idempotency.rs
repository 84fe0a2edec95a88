//! Stored replies for idempotent requests that a client repeats.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    FIND = "SELECT request_digest, status, sealed_reply FROM idempotency_key ",
        "WHERE environment_id = $1 AND key_digest = $2 AND expires_at > $3";
    INSERT = "INSERT INTO idempotency_key (environment_id, key_digest, request_digest, status, sealed_reply, expires_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6) ",
        "ON CONFLICT (environment_id, key_digest) DO UPDATE SET request_digest = $3, status = $4, sealed_reply = $5, expires_at = $6 ",
        "WHERE idempotency_key.expires_at <= $7";
    PRUNE = "DELETE FROM idempotency_key WHERE (environment_id, key_digest) IN ",
        "(SELECT environment_id, key_digest FROM idempotency_key WHERE expires_at < $1 LIMIT 1000)";
}

/// A stored reply.
#[derive(Debug)]
pub struct KeptReply {
    /// The digest of the request it answered.
    pub request_digest: Digest,
    /// Its status.
    pub status: u16,
    /// Its body, sealed.
    pub sealed_reply: Vec<u8>,
}

/// Returns the reply stored under a key, unless it has expired.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    key: &Digest,
    now: Timestamp,
) -> Result<Option<KeptReply>> {
    let row = query.query_opt(FIND, &[environment_id.into(), key.into(), now.into()]).await?;
    row.map(|row| {
        Ok(KeptReply {
            request_digest: row.digest(0)?,
            status: u16::try_from(row.int(1)?).map_err(|_| crate::Error::Corrupt("a status".to_owned()))?,
            sealed_reply: row.bytes(2)?.to_vec(),
        })
    })
    .transpose()
}

/// Stores a reply; `false` if another request was first.
///
/// # Errors
/// Database errors.
pub async fn keep(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    key: &Digest,
    reply: &KeptReply,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let params = [
        environment_id.into(),
        key.into(),
        (&reply.request_digest).into(),
        i64::from(reply.status).into(),
        reply.sealed_reply.as_slice().into(),
        expires_at.into(),
        now.into(),
    ];
    Ok(tx.execute(INSERT, &params).await? == 1)
}

/// Deletes expired replies, at most a thousand.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[now.into()]).await
}
