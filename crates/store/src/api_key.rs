//! API keys that customers use with the company's own API.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ApiKeyId, EnvironmentId, OrganizationId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{ApiKey, ApiKeyOwner, MadeBy};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO api_key (environment_id, id, organization_id, name, digest, obfuscated_value, expires_at, created_at, updated_at, made_by) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)";
    INSERT_PERMISSION = "INSERT INTO api_key_permission (environment_id, api_key_id, position, slug) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT k.id, k.organization_id, k.name, k.obfuscated_value, k.last_used_at, k.expires_at, k.created_at, k.updated_at, k.made_by, ",
        "COALESCE((SELECT string_agg(p.slug, ' ' ORDER BY p.position) FROM api_key_permission p ",
        "WHERE p.environment_id = k.environment_id AND p.api_key_id = k.id), '') FROM api_key k WHERE k.environment_id = $1 AND k.id = $2";
    FIND_BY_DIGEST = "SELECT k.id, k.organization_id, k.name, k.obfuscated_value, k.last_used_at, k.expires_at, k.created_at, k.updated_at, k.made_by, ",
        "COALESCE((SELECT string_agg(p.slug, ' ' ORDER BY p.position) FROM api_key_permission p ",
        "WHERE p.environment_id = k.environment_id AND p.api_key_id = k.id), '') FROM api_key k WHERE k.environment_id = $1 AND k.digest = $2";
    OF_ORGANIZATION_DESCENDING = "SELECT k.id, k.organization_id, k.name, k.obfuscated_value, k.last_used_at, k.expires_at, k.created_at, k.updated_at, k.made_by, ",
        "COALESCE((SELECT string_agg(p.slug, ' ' ORDER BY p.position) FROM api_key_permission p ",
        "WHERE p.environment_id = k.environment_id AND p.api_key_id = k.id), '') FROM api_key k WHERE k.environment_id = $1 AND k.organization_id = $4 AND k.id < $2 ORDER BY k.id DESC LIMIT $3";
    OF_ORGANIZATION_ASCENDING = "SELECT k.id, k.organization_id, k.name, k.obfuscated_value, k.last_used_at, k.expires_at, k.created_at, k.updated_at, k.made_by, ",
        "COALESCE((SELECT string_agg(p.slug, ' ' ORDER BY p.position) FROM api_key_permission p ",
        "WHERE p.environment_id = k.environment_id AND p.api_key_id = k.id), '') FROM api_key k WHERE k.environment_id = $1 AND k.organization_id = $4 AND k.id > $2 ORDER BY k.id ASC LIMIT $3";
    SET_EXPIRY = "UPDATE api_key SET expires_at = $3, updated_at = $4 WHERE environment_id = $1 AND id = $2";
    TOUCH = "UPDATE api_key SET last_used_at = $3 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE api_key SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM api_key WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.parse(0)?,
        owner: ApiKeyOwner::Organization(row.parse(1)?),
        name: row.text(2)?.to_owned(),
        obfuscated_value: row.text(3)?.to_owned(),
        last_used_at: row.opt_timestamp(4)?,
        expires_at: row.opt_timestamp(5)?,
        created_at: row.timestamp(6)?,
        updated_at: row.timestamp(7)?,
        made_by: row.word(8, MadeBy::parse)?,
        permissions: row.text(9)?.split_ascii_whitespace().map(str::to_owned).collect(),
    })
}

/// Inserts a key, with its permissions.
///
/// # Errors
/// `ForeignKey` if its organization is gone.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, key: &ApiKey, digest: &Digest) -> Result<()> {
    let params = [
        environment_id.into(),
        key.id.into(),
        key.owner.organization_id().into(),
        (&key.name).into(),
        digest.into(),
        (&key.obfuscated_value).into(),
        key.expires_at.into(),
        key.created_at.into(),
        key.made_by.written().into(),
    ];
    tx.execute(INSERT, &params).await?;
    for (position, slug) in (0_i64..).zip(&key.permissions) {
        let params = [environment_id.into(), key.id.into(), position.into(), slug.into()];
        tx.execute(INSERT_PERMISSION, &params).await?;
    }
    Ok(())
}

/// Returns the key with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Like [`find`], and locks the key until the transaction ends.
///
/// # Errors
/// Database errors.
pub async fn find_and_lock(tx: &mut Tx, environment_id: EnvironmentId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    tx.execute(LOCK, &[environment_id.into(), id.into()]).await?;
    find(tx, environment_id, id).await
}

/// Returns the key with this digest.
///
/// # Errors
/// Database errors.
pub async fn find_by_digest(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<ApiKey>> {
    query.query_opt(FIND_BY_DIGEST, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Lists a slice of an organization's keys.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    slice: &Slice<ApiKeyId>,
) -> Result<Vec<ApiKey>> {
    let paged = Paged { descending: OF_ORGANIZATION_DESCENDING, ascending: OF_ORGANIZATION_ASCENDING };
    let (sql, bound, limit) = paged.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit, organization_id.into()]).await?.iter().map(read).collect()
}

/// Sets when a key expires.
///
/// # Errors
/// Database errors.
pub async fn set_expiry(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ApiKeyId,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    tx.execute(SET_EXPIRY, &[environment_id.into(), id.into(), expires_at.into(), now.into()]).await?;
    Ok(())
}

/// Records when a key was last used.
///
/// # Errors
/// Database errors.
pub async fn touch(tx: &mut Tx, environment_id: EnvironmentId, id: ApiKeyId, at: Timestamp) -> Result<()> {
    tx.execute(TOUCH, &[environment_id.into(), id.into(), at.into()]).await?;
    Ok(())
}

/// Deletes a key; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: ApiKeyId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}
