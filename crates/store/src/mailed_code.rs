//! Codes sent by email, for all purposes. The type of a code's ID names its purpose.

use crate::sql::{Query, Row, Value, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, UserId};
use countersign_protocol::model::{MailedCode, MailedCodeId};
use countersign_protocol::time::Timestamp;

statements! {
    REPLACE = "UPDATE mailed_code SET is_newest = 0, updated_at = $4 WHERE environment_id = $1 AND user_id = $2 AND purpose = $3 AND is_newest = 1";
    INSERT = "INSERT INTO mailed_code (environment_id, id, purpose, user_id, email, sealed_code, is_newest, expires_at, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8)";
    INSERT_APART = "INSERT INTO mailed_code (environment_id, id, purpose, user_id, email, sealed_code, is_newest, expires_at, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $8)";
    FIND = "SELECT id, user_id, email, sealed_code, used_at, expires_at, created_at, updated_at FROM mailed_code ",
        "WHERE environment_id = $1 AND id = $2";
    NEWEST = "SELECT id, user_id, email, sealed_code, used_at, expires_at, created_at, updated_at FROM mailed_code ",
        "WHERE environment_id = $1 AND user_id = $2 AND purpose = $3 AND is_newest = 1";
    USE = "UPDATE mailed_code SET used_at = $3, updated_at = $3 WHERE environment_id = $1 AND id = $2 AND is_newest = 1 AND used_at IS NULL";
    USE_APART = "UPDATE mailed_code SET used_at = $3, updated_at = $3 WHERE environment_id = $1 AND id = $2 AND is_newest = 0 AND used_at IS NULL";
    PRUNE = "DELETE FROM mailed_code WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM mailed_code WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read<I: MailedCodeId>(row: &Row) -> Result<MailedCode<I>> {
    Ok(MailedCode {
        id: row.parse(0)?,
        user_id: row.parse(1)?,
        email: row.text(2)?.to_owned(),
        sealed_code: row.bytes(3)?.to_vec(),
        used_at: row.opt_timestamp(4)?,
        expires_at: row.timestamp(5)?,
        created_at: row.timestamp(6)?,
        updated_at: row.timestamp(7)?,
    })
}

/// Inserts a code, replacing the user's previous one for the same purpose. Lock the account first: of two concurrent
/// calls that find no previous code, one fails.
///
/// # Errors
/// `Unique` in that case; `ForeignKey` if there is no such user.
pub async fn insert<I: MailedCodeId>(tx: &mut Tx, environment_id: EnvironmentId, code: &MailedCode<I>) -> Result<()> {
    let replaced = [environment_id.into(), code.user_id.into(), I::PREFIX.into(), code.created_at.into()];
    tx.execute(REPLACE, &replaced).await?;
    tx.execute(INSERT, &row(environment_id, code)).await?;
    Ok(())
}

fn row<I: MailedCodeId>(environment_id: EnvironmentId, code: &MailedCode<I>) -> [Value<'_>; 8] {
    [
        environment_id.into(),
        code.id.to_string().into(),
        I::PREFIX.into(),
        code.user_id.into(),
        (&code.email).into(),
        code.sealed_code.as_slice().into(),
        code.expires_at.into(),
        code.created_at.into(),
    ]
}

/// Inserts a code alongside the user's current one for the same purpose: [`find`] returns it, [`newest`] and [`use_up`]
/// never do.
///
/// # Errors
/// `ForeignKey` if there is no such user.
pub async fn insert_apart<I: MailedCodeId>(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    code: &MailedCode<I>,
) -> Result<()> {
    tx.execute(INSERT_APART, &row(environment_id, code)).await?;
    Ok(())
}

/// Returns the code with this ID.
///
/// # Errors
/// Database errors.
pub async fn find<I: MailedCodeId>(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: I,
) -> Result<Option<MailedCode<I>>> {
    query.query_opt(FIND, &[environment_id.into(), id.to_string().into()]).await?.as_ref().map(read).transpose()
}

/// Returns the last code sent to a user for a purpose, used or not.
///
/// # Errors
/// Database errors.
pub async fn newest<I: MailedCodeId>(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
) -> Result<Option<MailedCode<I>>> {
    let params = [environment_id.into(), user_id.into(), I::PREFIX.into()];
    query.query_opt(NEWEST, &params).await?.as_ref().map(read).transpose()
}

/// Uses up a code: of several concurrent callers, exactly one gets `true`. A code replaced by a newer one can no longer
/// be used.
///
/// # Errors
/// Database errors.
pub async fn use_up<I: MailedCodeId>(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: I,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.execute(USE, &[environment_id.into(), id.to_string().into(), now.into()]).await? == 1)
}

/// Uses up a code inserted by [`insert_apart`]: of several concurrent callers, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn use_up_apart<I: MailedCodeId>(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: I,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.execute(USE_APART, &[environment_id.into(), id.to_string().into(), now.into()]).await? == 1)
}

/// Deletes up to a thousand codes that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
