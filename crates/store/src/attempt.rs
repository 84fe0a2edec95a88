//! How often something was tried in a while, over all nodes: passwords per account, codes per device.

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
    STANDING = "SELECT subject, count, expires_at FROM attempt WHERE environment_id = $1 AND subject IN ($2, $3, $4) AND expires_at > $5";
    CLEAR = "DELETE FROM attempt WHERE environment_id = $1 AND subject = $2";
    PRUNE = "DELETE FROM attempt WHERE (environment_id, subject) IN ",
        "(SELECT environment_id, subject FROM attempt WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// Counts an attempt at a subject (a digest: what is counted is nobody's business). Gives how many there were in the
/// while that ends at the moment given with it; a while that is over begins anew and ends at `until`.
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

/// The attempts at up to three subjects in the whiles that have not ended at a moment: how many, and until when they count.
/// A subject that nothing was tried at is left out.
///
/// # Errors
/// Database errors; more subjects.
pub async fn standing(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    subjects: &[Digest],
    now: Timestamp,
) -> Result<Vec<(Digest, i64, Timestamp)>> {
    let [first, ..] = subjects else { return Ok(Vec::new()) };
    if subjects.len() > 3 {
        return Err(crate::Error::NotSupported("attempts at more than three subjects are asked for"));
    }
    let (second, third) = (subjects.get(1).unwrap_or(first), subjects.get(2).unwrap_or(first));
    let params = [environment_id.into(), first.into(), second.into(), third.into(), now.into()];
    let rows = query.query(STANDING, &params).await?;
    rows.iter().map(|row| Ok((row.digest(0)?, row.int(1)?, row.timestamp(2)?))).collect()
}

/// Forgets the attempts at a subject.
///
/// # Errors
/// Database errors.
pub async fn clear(tx: &mut Tx, environment_id: EnvironmentId, subject: &Digest) -> Result<()> {
    tx.execute(CLEAR, &[environment_id.into(), subject.into()]).await?;
    Ok(())
}

/// Forgets up to a thousand subjects whose while was over before a moment; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
