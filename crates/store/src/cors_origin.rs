//! Origins whose pages may call the endpoints open to browsers, for an environment's own application.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{CorsOriginId, EnvironmentId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::CorsOrigin;

statements! {
    INSERT = "INSERT INTO cors_origin (environment_id, id, origin, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)";
    ALL = "SELECT id, origin, created_at, updated_at FROM cors_origin WHERE environment_id = $1 ORDER BY id";
    LIST_DESCENDING = "SELECT id, origin, created_at, updated_at FROM cors_origin ",
        "WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, origin, created_at, updated_at FROM cors_origin ",
        "WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    DELETE = "DELETE FROM cors_origin WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<CorsOrigin> {
    Ok(CorsOrigin {
        id: row.parse(0)?,
        origin: row.text(1)?.to_owned(),
        created_at: row.timestamp(2)?,
        updated_at: row.timestamp(3)?,
    })
}

/// Inserts an origin.
///
/// # Errors
/// `Unique` if it already exists.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, cors_origin: &CorsOrigin) -> Result<()> {
    let params =
        [environment_id.into(), cors_origin.id.into(), (&cors_origin.origin).into(), cors_origin.created_at.into()];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns all origins of an environment, oldest first: there are few.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<CorsOrigin>> {
    query.query(ALL, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Lists a slice of an environment's origins.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<CorsOriginId>,
) -> Result<Vec<CorsOrigin>> {
    let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit]).await?.iter().map(read).collect()
}

/// Deletes an origin; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: CorsOriginId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
