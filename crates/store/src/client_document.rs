//! Client metadata documents awaiting an administrator's decision, and the decisions.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{Decision, KnownDocument};
use countersign_protocol::time::Timestamp;

statements! {
    ASK = "INSERT INTO client_document (environment_id, url, decision, created_at, decided_at) VALUES ($1, $2, NULL, $3, NULL) ",
        "ON CONFLICT (environment_id, url) DO NOTHING";
    DECIDE = "INSERT INTO client_document (environment_id, url, decision, created_at, decided_at) VALUES ($1, $2, $3, $4, $4) ",
        "ON CONFLICT (environment_id, url) DO UPDATE SET decision = excluded.decision, decided_at = excluded.decided_at";
    FIND = "SELECT url, decision, created_at, decided_at FROM client_document WHERE environment_id = $1 AND url = $2";
    ALL = "SELECT url, decision, created_at, decided_at FROM client_document WHERE environment_id = $1 ORDER BY url";
    COUNT_WAITING = "SELECT COUNT(*) FROM client_document WHERE environment_id = $1 AND created_at > $2 AND decision IS NULL";
    PRUNE = "DELETE FROM client_document WHERE decision IS NULL AND (environment_id, url) IN ",
        "(SELECT environment_id, url FROM client_document WHERE decision IS NULL AND created_at < $1 ORDER BY created_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<KnownDocument> {
    Ok(KnownDocument {
        url: row.text(0)?.to_owned(),
        decision: match row.opt_text(1)? {
            None => None,
            Some(_) => Some(row.word(1, Decision::parse)?),
        },
        created_at: row.timestamp(2)?,
        decided_at: row.opt_timestamp(3)?,
    })
}

/// Records that someone tried to use a document; `false` if it is already recorded.
///
/// # Errors
/// Database errors.
pub async fn ask(tx: &mut Tx, environment_id: EnvironmentId, url: &str, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(ASK, &[environment_id.into(), url.into(), now.into()]).await? == 1)
}

/// Stores a decision, replacing the previous one.
///
/// # Errors
/// Database errors.
pub async fn decide(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    url: &str,
    decision: Decision,
    now: Timestamp,
) -> Result<()> {
    tx.execute(DECIDE, &[environment_id.into(), url.into(), decision.as_str().into(), now.into()]).await?;
    Ok(())
}

/// Returns what is known about a document.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, url: &str) -> Result<Option<KnownDocument>> {
    query.query_opt(FIND, &[environment_id.into(), url.into()]).await?.as_ref().map(read).transpose()
}

/// Returns all of an environment's documents, ordered by URL.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<KnownDocument>> {
    query.query(ALL, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Returns how many documents first requested after the given time await a decision.
///
/// # Errors
/// Database errors.
pub async fn count_waiting(query: &mut impl Query, environment_id: EnvironmentId, since: Timestamp) -> Result<i64> {
    match query.query_opt(COUNT_WAITING, &[environment_id.into(), since.into()]).await? {
        Some(row) => row.int(0),
        None => Ok(0),
    }
}

/// Deletes at most a thousand documents requested before the given time and still undecided.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
