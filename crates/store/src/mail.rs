//! Queued emails.

use crate::sql::{Query, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, MailId};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO mail (environment_id, id, sealed_message, attempts, next_at, created_at) VALUES ($1, $2, $3, 0, $4, $5)";
    DUE = "SELECT environment_id, id, sealed_message, attempts, next_at, created_at FROM mail WHERE next_at <= $1 ORDER BY next_at LIMIT 20";
    CLAIM = "UPDATE mail SET next_at = $4, attempts = attempts + 1 WHERE environment_id = $1 AND id = $2 AND next_at = $3";
    HOLD = "UPDATE mail SET next_at = $4 WHERE environment_id = $1 AND id = $2 AND attempts = $3";
    RELEASE = "UPDATE mail SET next_at = $4, attempts = $5 WHERE environment_id = $1 AND id = $2 AND attempts = $3";
    DELETE = "DELETE FROM mail WHERE environment_id = $1 AND id = $2";
    GIVE_UP = "DELETE FROM mail WHERE environment_id = $1 AND id = $2 AND attempts = $3";
    LIST = "SELECT environment_id, id, sealed_message, attempts, next_at, created_at FROM mail WHERE environment_id = $1 AND id > '' ",
        "ORDER BY id DESC LIMIT 50";
    FIND = "SELECT environment_id, id, sealed_message, attempts, next_at, created_at FROM mail WHERE environment_id = $1 AND id = $2";
    PRUNE = "DELETE FROM mail WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM mail WHERE created_at < $1 ORDER BY created_at LIMIT 1000)";
}

/// A queued email; its recipient and content are sealed.
#[derive(Debug, Clone)]
pub struct QueuedMail {
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Its ID.
    pub id: MailId,
    /// The message.
    pub sealed_message: Vec<u8>,
    /// Number of send attempts, including any in progress.
    pub attempts: i64,
    /// Time of the next attempt, or until when a node holds it; `None` for one that is only kept to be read here.
    pub next_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

fn read(row: &crate::Row) -> Result<QueuedMail> {
    Ok(QueuedMail {
        environment_id: row.parse(0)?,
        id: row.parse(1)?,
        sealed_message: row.bytes(2)?.to_vec(),
        attempts: row.int(3)?,
        next_at: row.opt_timestamp(4)?,
        created_at: row.timestamp(5)?,
    })
}

/// Queues a message, in the transaction of the change it is about.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, mail: &QueuedMail) -> Result<()> {
    let params = [
        mail.environment_id.into(),
        mail.id.into(),
        mail.sealed_message.as_slice().into(),
        mail.next_at.into(),
        mail.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns some of the due messages of all environments, longest due first.
///
/// # Errors
/// Database errors.
pub async fn due(reader: &mut Reader, now: Timestamp) -> Result<Vec<QueuedMail>> {
    reader.query(DUE, &[now.into()]).await?.iter().map(read).collect()
}

/// Claims a due message for one node until `next`; `false` if another node has it.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, mail: &QueuedMail, next: Option<Timestamp>) -> Result<bool> {
    let params = [mail.environment_id.into(), mail.id.into(), mail.next_at.into(), next.into()];
    Ok(tx.execute(CLAIM, &params).await? == 1)
}

/// Extends the claim on a message, taken as the given attempt, until `until`; `false` if another node has it by now.
///
/// # Errors
/// Database errors.
pub async fn hold(tx: &mut Tx, mail: &QueuedMail, attempt: i64, until: Timestamp) -> Result<bool> {
    let params = [mail.environment_id.into(), mail.id.into(), attempt.into(), until.into()];
    Ok(tx.execute(HOLD, &params).await? == 1)
}

/// Releases a message taken as the given attempt, to be tried again at `next`, with its number of attempts set to
/// `attempts`. Does nothing if another node has it by now.
///
/// # Errors
/// Database errors.
pub async fn release(tx: &mut Tx, mail: &QueuedMail, attempt: i64, (next, attempts): (Timestamp, i64)) -> Result<()> {
    let params = [mail.environment_id.into(), mail.id.into(), attempt.into(), next.into(), attempts.into()];
    tx.execute(RELEASE, &params).await?;
    Ok(())
}

/// Deletes a message taken as the given attempt, unless another node has it by now.
///
/// # Errors
/// Database errors.
pub async fn give_up(tx: &mut Tx, mail: &QueuedMail, attempt: i64) -> Result<()> {
    tx.execute(GIVE_UP, &[mail.environment_id.into(), mail.id.into(), attempt.into()]).await?;
    Ok(())
}

/// Deletes a message that has been delivered, whichever node holds it.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: MailId) -> Result<()> {
    tx.execute(DELETE, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Returns an environment's 50 newest messages.
///
/// # Errors
/// Database errors.
pub async fn list(reader: &mut Reader, environment_id: EnvironmentId) -> Result<Vec<QueuedMail>> {
    reader.query(LIST, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Returns the message with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(reader: &mut Reader, environment_id: EnvironmentId, id: MailId) -> Result<Option<QueuedMail>> {
    reader.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Deletes up to a thousand messages created before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
