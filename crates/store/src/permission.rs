//! Permissions.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, PermissionId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::Permission;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO permission (environment_id, id, slug, name, description, system, resource_type_slug, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    FIND = "SELECT id, slug, name, description, system, resource_type_slug, created_at, updated_at FROM permission ",
        "WHERE environment_id = $1 AND slug = $2";
    LIST_DESCENDING = "SELECT id, slug, name, description, system, resource_type_slug, created_at, updated_at FROM permission ",
        "WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, slug, name, description, system, resource_type_slug, created_at, updated_at FROM permission ",
        "WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    LOCK = "UPDATE permission SET updated_at = updated_at WHERE environment_id = $1 AND slug = $2";
    UPDATE = "UPDATE permission SET name = $3, description = $4, updated_at = $5 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM permission WHERE environment_id = $1 AND id = $2";
    DELETE_SCOPES = "DELETE FROM connect_application_scope WHERE environment_id = $1 AND scope = $2";
    DELETE_API_KEY_PERMISSIONS = "DELETE FROM api_key_permission WHERE environment_id = $1 AND slug = $2";
    DELETE_ROLE_PERMISSIONS = "DELETE FROM role_permission WHERE environment_id = $1 AND slug = $2";
}

fn read(row: &Row) -> Result<Permission> {
    Ok(Permission {
        id: row.parse(0)?,
        slug: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        description: row.opt_text(3)?.map(str::to_owned),
        system: row.truth(4)?,
        resource_type_slug: row.text(5)?.to_owned(),
        created_at: row.timestamp(6)?,
        updated_at: row.timestamp(7)?,
    })
}

/// Inserts a permission.
///
/// # Errors
/// `Unique` if the slug is taken.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, permission: &Permission) -> Result<()> {
    let params = [
        environment_id.into(),
        permission.id.into(),
        (&permission.slug).into(),
        (&permission.name).into(),
        permission.description.as_ref().into(),
        permission.system.into(),
        (&permission.resource_type_slug).into(),
        permission.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the permission with this slug.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, slug: &str) -> Result<Option<Permission>> {
    query.query_opt(FIND, &[environment_id.into(), slug.into()]).await?.as_ref().map(read).transpose()
}

/// Locks a permission against changes and deletion until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, slug: &str) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), slug.into()]).await? == 1)
}

/// Lists a slice of the permissions.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<PermissionId>,
) -> Result<Vec<Permission>> {
    let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit]).await?.iter().map(read).collect()
}

/// Stores a permission's name and description.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, permission: &Permission, now: Timestamp) -> Result<()> {
    let params = [
        environment_id.into(),
        permission.id.into(),
        (&permission.name).into(),
        permission.description.as_ref().into(),
        now.into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Deletes a permission, and removes it from every application, API key and role that has it.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, permission: &Permission) -> Result<()> {
    // The row itself first: a transaction that holds its lock is about to assign it, and must be waited for.
    tx.execute(DELETE, &[environment_id.into(), permission.id.into()]).await?;
    tx.execute(DELETE_SCOPES, &[environment_id.into(), (&permission.slug).into()]).await?;
    tx.execute(DELETE_API_KEY_PERMISSIONS, &[environment_id.into(), (&permission.slug).into()]).await?;
    tx.execute(DELETE_ROLE_PERMISSIONS, &[environment_id.into(), (&permission.slug).into()]).await?;
    Ok(())
}
