//! Resources that access tokens can be issued for.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, OAuthResourceId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::OAuthResource;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO oauth_resource (environment_id, id, uri, is_default, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)";
    ALL = "SELECT id, uri, is_default, created_at, updated_at FROM oauth_resource WHERE environment_id = $1 ORDER BY id";
    LIST_DESCENDING = "SELECT id, uri, is_default, created_at, updated_at FROM oauth_resource ",
        "WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, uri, is_default, created_at, updated_at FROM oauth_resource ",
        "WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    DEFAULT = "UPDATE oauth_resource SET is_default = 1, updated_at = $3 WHERE environment_id = $1 AND id = $2";
    NO_DEFAULT = "UPDATE oauth_resource SET is_default = 0, updated_at = $2 WHERE environment_id = $1 AND is_default = 1";
    DELETE = "DELETE FROM oauth_resource WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<OAuthResource> {
    Ok(OAuthResource {
        id: row.parse(0)?,
        uri: row.text(1)?.to_owned(),
        default: row.truth(2)?,
        created_at: row.timestamp(3)?,
        updated_at: row.timestamp(4)?,
    })
}

/// Inserts a resource.
///
/// # Errors
/// `Unique` if a resource with this URI exists.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, resource: &OAuthResource) -> Result<()> {
    let params = [
        environment_id.into(),
        resource.id.into(),
        (&resource.uri).into(),
        resource.default.into(),
        resource.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns all resources of an environment, oldest first: there are few.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<OAuthResource>> {
    query.query(ALL, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Lists a slice of an environment's resources.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<OAuthResourceId>,
) -> Result<Vec<OAuthResource>> {
    let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit]).await?.iter().map(read).collect()
}

/// Makes a resource the default; there must be no default yet.
///
/// # Errors
/// `Unique` if another resource is the default.
pub async fn set_default(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: OAuthResourceId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(DEFAULT, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Clears the default.
///
/// # Errors
/// Database errors.
pub async fn no_default(tx: &mut Tx, environment_id: EnvironmentId, now: Timestamp) -> Result<()> {
    tx.execute(NO_DEFAULT, &[environment_id.into(), now.into()]).await?;
    Ok(())
}

/// Deletes a resource; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: OAuthResourceId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
