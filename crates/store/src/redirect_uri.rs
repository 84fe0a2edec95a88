//! Redirect URIs of environments' own applications.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, RedirectUriId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{EnvironmentRedirectUri, RedirectPurpose};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO redirect_uri (environment_id, id, purpose, uri, is_default, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $6)";
    FIND = "SELECT id, purpose, uri, is_default, created_at, updated_at FROM redirect_uri WHERE environment_id = $1 AND id = $2";
    ALL = "SELECT id, purpose, uri, is_default, created_at, updated_at FROM redirect_uri WHERE environment_id = $1 ORDER BY id";
    LIST_DESCENDING = "SELECT id, purpose, uri, is_default, created_at, updated_at FROM redirect_uri ",
        "WHERE environment_id = $1 AND id < $2 AND purpose = $4 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, purpose, uri, is_default, created_at, updated_at FROM redirect_uri ",
        "WHERE environment_id = $1 AND id > $2 AND purpose = $4 ORDER BY id ASC LIMIT $3";
    NOT_DEFAULT = "UPDATE redirect_uri SET is_default = 0, updated_at = $3 WHERE environment_id = $1 AND purpose = $2 AND is_default = 1";
    DEFAULT = "UPDATE redirect_uri SET is_default = 1, updated_at = $3 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM redirect_uri WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<EnvironmentRedirectUri> {
    Ok(EnvironmentRedirectUri {
        id: row.parse(0)?,
        purpose: row.word(1, RedirectPurpose::parse)?,
        uri: row.text(2)?.to_owned(),
        default: row.truth(3)?,
        created_at: row.timestamp(4)?,
        updated_at: row.timestamp(5)?,
    })
}

/// Inserts a redirect URI.
///
/// # Errors
/// `Unique` if it already exists, or would be a second default.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, redirect_uri: &EnvironmentRedirectUri) -> Result<()> {
    let params = [
        environment_id.into(),
        redirect_uri.id.into(),
        redirect_uri.purpose.as_str().into(),
        (&redirect_uri.uri).into(),
        redirect_uri.default.into(),
        redirect_uri.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the redirect URI with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: RedirectUriId,
) -> Result<Option<EnvironmentRedirectUri>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns all redirect URIs of an environment, oldest first: there are few.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<EnvironmentRedirectUri>> {
    query.query(ALL, &[environment_id.into()]).await?.iter().map(read).collect()
}

/// Lists a slice of the redirect URIs for one purpose.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<RedirectUriId>,
    purpose: RedirectPurpose,
) -> Result<Vec<EnvironmentRedirectUri>> {
    let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit, purpose.as_str().into()]).await?.iter().map(read).collect()
}

/// Clears the default for a purpose.
///
/// # Errors
/// Database errors.
pub async fn clear_default(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    purpose: RedirectPurpose,
    now: Timestamp,
) -> Result<()> {
    tx.execute(NOT_DEFAULT, &[environment_id.into(), purpose.as_str().into(), now.into()]).await?;
    Ok(())
}

/// Makes a redirect URI the default; there must be no default for its purpose yet.
///
/// # Errors
/// `Unique` if another one is the default for its purpose.
pub async fn set_default(tx: &mut Tx, environment_id: EnvironmentId, id: RedirectUriId, now: Timestamp) -> Result<()> {
    tx.execute(DEFAULT, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Deletes a redirect URI; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: RedirectUriId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
