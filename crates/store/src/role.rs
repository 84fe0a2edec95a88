//! An environment's roles and their permissions.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, RoleId};
use countersign_protocol::model::{DEFAULT_ROLE, Role};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO role (environment_id, id, slug, name, description, created_at, updated_at, priority) VALUES ($1, $2, $3, $4, $5, $6, $6, ",
        "(SELECT COALESCE(MAX(priority), 0) FROM role WHERE environment_id = $1))";
    INSERT_IF_MISSING = "INSERT INTO role (environment_id, id, slug, name, description, created_at, updated_at, priority) VALUES ($1, $2, $3, $4, $5, $6, $6, ",
        "(SELECT COALESCE(MAX(priority), 0) FROM role WHERE environment_id = $1)) ON CONFLICT (environment_id, slug) DO NOTHING";
    FIND = "SELECT id, slug, name, description, created_at, updated_at FROM role WHERE environment_id = $1 AND slug = $2";
    LIST = "SELECT id, slug, name, description, created_at, updated_at FROM role WHERE environment_id = $1 ",
        "ORDER BY priority, CASE slug WHEN 'member' THEN 1 ELSE 0 END, id";
    PERMISSIONS = "SELECT slug FROM role_permission WHERE environment_id = $1 AND role_id = $2 ORDER BY slug";
    RANK = "SELECT priority, id FROM role WHERE environment_id = $1 AND slug = $2";
    SET_PRIORITY = "UPDATE role SET priority = $3 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE role SET updated_at = updated_at WHERE environment_id = $1 AND slug = $2";
    UPDATE = "UPDATE role SET name = $3, description = $4, updated_at = $5 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM role WHERE environment_id = $1 AND id = $2";
    CLEAR_PERMISSIONS = "DELETE FROM role_permission WHERE environment_id = $1 AND role_id = $2";
    INSERT_PERMISSION = "INSERT INTO role_permission (environment_id, role_id, slug) VALUES ($1, $2, $3)";
    DELETE_PERMISSION = "DELETE FROM role_permission WHERE environment_id = $1 AND role_id = $2 AND slug = $3";
    ASSIGNED = "SELECT 1 FROM membership_role WHERE environment_id = $1 AND role_slug = $2 LIMIT 1";
}

async fn read(query: &mut impl Query, environment_id: EnvironmentId, row: &Row) -> Result<Role> {
    let id: RoleId = row.parse(0)?;
    let permissions = query.query(PERMISSIONS, &[environment_id.into(), id.into()]).await?;
    Ok(Role {
        id,
        slug: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        description: row.opt_text(3)?.map(str::to_owned),
        permissions: permissions.iter().map(|row| Ok(row.text(0)?.to_owned())).collect::<Result<_>>()?,
        created_at: row.timestamp(4)?,
        updated_at: row.timestamp(5)?,
    })
}

/// Inserts a role, with its permissions. It ranks lowest, except that it ranks above the default role if that is the
/// lowest.
///
/// # Errors
/// `Unique` if the slug is taken.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, role: &Role) -> Result<()> {
    let params = [
        environment_id.into(),
        role.id.into(),
        (&role.slug).into(),
        (&role.name).into(),
        role.description.as_ref().into(),
        role.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    for slug in &role.permissions {
        add_permission(tx, environment_id, role.id, slug).await?;
    }
    Ok(())
}

/// Inserts a role without permissions, unless one has its slug.
///
/// # Errors
/// Database errors.
pub async fn insert_if_missing(tx: &mut Tx, environment_id: EnvironmentId, role: &Role) -> Result<()> {
    let params = [
        environment_id.into(),
        role.id.into(),
        (&role.slug).into(),
        (&role.name).into(),
        role.description.as_ref().into(),
        role.created_at.into(),
    ];
    tx.execute(INSERT_IF_MISSING, &params).await?;
    Ok(())
}

/// Returns the role with this slug.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, slug: &str) -> Result<Option<Role>> {
    match query.query_opt(FIND, &[environment_id.into(), slug.into()]).await? {
        Some(row) => read(query, environment_id, &row).await.map(Some),
        None => Ok(None),
    }
}

/// Returns all roles, highest first.
///
/// # Errors
/// Database errors.
pub async fn list(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<Role>> {
    let rows = query.query(LIST, &[environment_id.into()]).await?;
    let mut roles = Vec::with_capacity(rows.len());
    for row in &rows {
        roles.push(read(query, environment_id, row).await?);
    }
    Ok(roles)
}

/// A role's position in the order of [`list`], comparable with that of other roles: smaller is higher.
pub type Rank = (i64, bool, RoleId);

/// Returns a role's rank.
///
/// # Errors
/// Database errors.
pub async fn rank(query: &mut impl Query, environment_id: EnvironmentId, slug: &str) -> Result<Option<Rank>> {
    let row = query.query_opt(RANK, &[environment_id.into(), slug.into()]).await?;
    row.map(|row| Ok((row.int(0)?, slug == DEFAULT_ROLE, row.parse(1)?))).transpose()
}

/// Stores a role's priority: smaller is higher.
///
/// # Errors
/// Database errors.
pub async fn set_priority(tx: &mut Tx, environment_id: EnvironmentId, id: RoleId, priority: i64) -> Result<()> {
    tx.execute(SET_PRIORITY, &[environment_id.into(), id.into(), priority.into()]).await?;
    Ok(())
}

/// Locks a role against being changed or assigned until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, slug: &str) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), slug.into()]).await? == 1)
}

/// Stores a role's name and description, and the time of the change.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, role: &Role, now: Timestamp) -> Result<()> {
    let params =
        [environment_id.into(), role.id.into(), (&role.name).into(), role.description.as_ref().into(), now.into()];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Replaces a role's permissions.
///
/// # Errors
/// `ForeignKey` if there is no such role.
pub async fn set_permissions(tx: &mut Tx, environment_id: EnvironmentId, id: RoleId, slugs: &[String]) -> Result<()> {
    tx.execute(CLEAR_PERMISSIONS, &[environment_id.into(), id.into()]).await?;
    for slug in slugs {
        add_permission(tx, environment_id, id, slug).await?;
    }
    Ok(())
}

/// Adds a permission to a role that does not have it.
///
/// # Errors
/// `Unique` if the role already has it, `ForeignKey` if there is no such role.
pub async fn add_permission(tx: &mut Tx, environment_id: EnvironmentId, id: RoleId, slug: &str) -> Result<()> {
    tx.execute(INSERT_PERMISSION, &[environment_id.into(), id.into(), slug.into()]).await?;
    Ok(())
}

/// Removes a permission from a role; `false` if the role does not have it.
///
/// # Errors
/// Database errors.
pub async fn remove_permission(tx: &mut Tx, environment_id: EnvironmentId, id: RoleId, slug: &str) -> Result<bool> {
    Ok(tx.execute(DELETE_PERMISSION, &[environment_id.into(), id.into(), slug.into()]).await? == 1)
}

/// Deletes a role; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: RoleId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Whether any member has this role.
///
/// # Errors
/// Database errors.
pub async fn is_assigned(query: &mut impl Query, environment_id: EnvironmentId, slug: &str) -> Result<bool> {
    Ok(query.query_opt(ASSIGNED, &[environment_id.into(), slug.into()]).await?.is_some())
}
