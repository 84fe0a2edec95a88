//! Attempt counters per time window, shared by all nodes: passwords per account, codes per device.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    COUNT = "INSERT INTO attempt (environment_id, subject, count, expires_at) VALUES ($1, $2, 1, $4) ",
        "ON CONFLICT (environment_id, subject) DO UPDATE SET ",
        "count = CASE WHEN attempt.expires_at <= $3 THEN 1 ELSE attempt.count + 1 END, ",
        "expires_at = CASE WHEN attempt.expires_at <= $3 THEN excluded.expires_at ELSE attempt.expires_at END ",
        "RETURNING count, expires_at";
    DELETE_ONLY = "DELETE FROM attempt WHERE environment_id = $1 AND subject = $2 AND count <= 1";
    TAKE_BACK = "UPDATE attempt SET count = count - 1 WHERE environment_id = $1 AND subject = $2 AND count > 0";
    CLEAR = "DELETE FROM attempt WHERE environment_id = $1 AND subject = $2";
    PRUNE = "DELETE FROM attempt WHERE (environment_id, subject) IN ",
        "(SELECT environment_id, subject FROM attempt WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// Counts an attempt at a subject (a digest, to keep private what is counted). Returns the number of attempts in the
/// current window and when that window ends; if the previous window is over, a new one begins and ends at `until`.
///
/// # Errors
/// Database errors.
pub async fn count(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    subject: &Digest,
    (now, until): (Timestamp, Timestamp),
) -> Result<(i64, Timestamp)> {
    let row = tx.query_opt(COUNT, &[environment_id.into(), subject.into(), now.into(), until.into()]).await?;
    let row = row.ok_or_else(|| crate::Error::Corrupt("an attempt was not counted".to_owned()))?;
    Ok((row.int(0)?, row.timestamp(1)?))
}

/// Takes back one attempt at a subject. The only attempt leaves no row behind: most attempts succeed, and a table of
/// just the others stays on few pages.
///
/// # Errors
/// Database errors.
pub async fn take_back(tx: &mut Tx, environment_id: EnvironmentId, subject: &Digest) -> Result<()> {
    let params = [environment_id.into(), subject.into()];
    if tx.execute(DELETE_ONLY, &params).await? == 0 {
        tx.execute(TAKE_BACK, &params).await?;
    }
    Ok(())
}

/// Clears the attempts at a subject.
///
/// # Errors
/// Database errors.
pub async fn clear(tx: &mut Tx, environment_id: EnvironmentId, subject: &Digest) -> Result<()> {
    tx.execute(CLEAR, &[environment_id.into(), subject.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand subjects whose window ended before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
