//! Second factors of people, and those that the company keeps for purposes of its own.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{AuthFactorId, EnvironmentId, UserId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::AuthenticationFactor;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO authentication_factor (environment_id, id, user_id, issuer, account, sealed_secret, confirmed_at, last_step, ",
        "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    FIND = "SELECT id, user_id, issuer, account, sealed_secret, confirmed_at, last_step, created_at, updated_at FROM authentication_factor ",
        "WHERE environment_id = $1 AND id = $2";
    CONFIRMED = "SELECT id, user_id, issuer, account, sealed_secret, confirmed_at, last_step, created_at, updated_at FROM authentication_factor ",
        "WHERE environment_id = $1 AND user_id = $2 AND confirmed_at IS NOT NULL ORDER BY id";
    OF_USER_DESCENDING = "SELECT id, user_id, issuer, account, sealed_secret, confirmed_at, last_step, created_at, updated_at FROM authentication_factor ",
        "WHERE environment_id = $1 AND user_id = $4 AND id < $2 ORDER BY id DESC LIMIT $3";
    OF_USER_ASCENDING = "SELECT id, user_id, issuer, account, sealed_secret, confirmed_at, last_step, created_at, updated_at FROM authentication_factor ",
        "WHERE environment_id = $1 AND user_id = $4 AND id > $2 ORDER BY id ASC LIMIT $3";
    TAKE = "UPDATE authentication_factor SET last_step = $3, confirmed_at = COALESCE(confirmed_at, $4), updated_at = $4 ",
        "WHERE environment_id = $1 AND id = $2 AND last_step < $3";
    LOCK = "UPDATE authentication_factor SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM authentication_factor WHERE environment_id = $1 AND id = $2";
    DELETE_UNCONFIRMED = "DELETE FROM authentication_factor WHERE environment_id = $1 AND user_id = $2 AND confirmed_at IS NULL RETURNING id";
}

fn read(row: &Row) -> Result<AuthenticationFactor> {
    Ok(AuthenticationFactor {
        id: row.parse(0)?,
        user_id: row.opt_parse(1)?,
        issuer: row.text(2)?.to_owned(),
        account: row.text(3)?.to_owned(),
        sealed_secret: row.bytes(4)?.to_vec(),
        confirmed_at: row.opt_timestamp(5)?,
        last_step: row.int(6)?,
        created_at: row.timestamp(7)?,
        updated_at: row.timestamp(8)?,
    })
}

/// Makes a factor.
///
/// # Errors
/// `ForeignKey` when there is no such person.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, factor: &AuthenticationFactor) -> Result<()> {
    let params = [
        environment_id.into(),
        factor.id.into(),
        factor.user_id.into(),
        (&factor.issuer).into(),
        (&factor.account).into(),
        factor.sealed_secret.as_slice().into(),
        factor.confirmed_at.into(),
        factor.last_step.into(),
        factor.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// The factor with this identifier.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: AuthFactorId,
) -> Result<Option<AuthenticationFactor>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// The same, with other transactions that change or delete this factor made to wait for this one.
///
/// # Errors
/// Database errors.
pub async fn find_and_lock(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: AuthFactorId,
) -> Result<Option<AuthenticationFactor>> {
    tx.execute(LOCK, &[environment_id.into(), id.into()]).await?;
    find(tx, environment_id, id).await
}

/// The factors of a person that have been confirmed, oldest first: those that count.
///
/// # Errors
/// Database errors.
pub async fn confirmed(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
) -> Result<Vec<AuthenticationFactor>> {
    query.query(CONFIRMED, &[environment_id.into(), user_id.into()]).await?.iter().map(read).collect()
}

/// A slice of a person's factors, confirmed or not.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    slice: &Slice<AuthFactorId>,
) -> Result<Vec<AuthenticationFactor>> {
    let paged = Paged { descending: OF_USER_DESCENDING, ascending: OF_USER_ASCENDING };
    let (sql, bound, limit) = paged.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit, user_id.into()]).await?.iter().map(read).collect()
}

/// Notes that the code of a step was taken, which confirms the factor. Of all who come with a code of this step or an older
/// one, on whatever node, one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn take(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: AuthFactorId,
    step: i64,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.execute(TAKE, &[environment_id.into(), id.into(), step.into(), now.into()]).await? == 1)
}

/// Deletes the factors of a person that were never confirmed; gives which.
///
/// # Errors
/// Database errors.
pub async fn delete_unconfirmed(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
) -> Result<Vec<AuthFactorId>> {
    tx.query(DELETE_UNCONFIRMED, &[environment_id.into(), user_id.into()])
        .await?
        .iter()
        .map(|row| row.parse(0))
        .collect()
}

/// Deletes a factor with its challenges; `false` when there is none such.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: AuthFactorId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
