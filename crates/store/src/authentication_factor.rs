//! Users' second factors, and those that the company manages for its own purposes.

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

/// Inserts a factor.
///
/// # Errors
/// `ForeignKey` if there is no such user.
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

/// Returns the factor with this ID.
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

/// Like [`find`], and locks the factor against changes and deletion until the transaction ends.
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

/// Returns a user's confirmed factors, oldest first. Unconfirmed factors do not count.
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

/// Lists a slice of a user's factors, confirmed or not.
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

/// Records that the code of a time step was accepted, which confirms the factor. After one caller, on any node, has got
/// `true`, codes of this step and older ones are no longer accepted.
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

/// Deletes a user's unconfirmed factors; returns their IDs.
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

/// Deletes a factor with its challenges; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: AuthFactorId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
