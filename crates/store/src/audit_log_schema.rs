//! Audit log actions and the versions of their event schemas.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::audit::schema::{AuditSchema, Rules};
use countersign_protocol::id::{AuditActionId, AuditSchemaId, EnvironmentId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::time::Timestamp;

statements! {
    // Also locks the action: of two transactions that add a version to it at once, one waits for the other.
    ENSURE = "INSERT INTO audit_log_action (environment_id, id, name, version, created_at, updated_at) VALUES ($1, $2, $3, 1, $4, $4) ",
        "ON CONFLICT (environment_id, name) DO UPDATE SET version = audit_log_action.version + 1, updated_at = $4 RETURNING id, version";
    INSERT = "INSERT INTO audit_log_schema (environment_id, id, action_id, version, rules, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND_ACTION = "SELECT id, version FROM audit_log_action WHERE environment_id = $1 AND name = $2";
    FIND = "SELECT s.id, s.version, s.rules, s.created_at FROM audit_log_action a JOIN audit_log_schema s ",
        "ON s.environment_id = a.environment_id AND s.action_id = a.id AND s.version = $3 WHERE a.environment_id = $1 AND a.name = $2";
    LATEST = "SELECT s.id, s.version, s.rules, s.created_at FROM audit_log_action a JOIN audit_log_schema s ",
        "ON s.environment_id = a.environment_id AND s.action_id = a.id AND s.version = a.version WHERE a.environment_id = $1 AND a.name = $2";
    OLDER = "SELECT id, version, rules, created_at FROM audit_log_schema WHERE environment_id = $1 AND id < $2 AND action_id = $4 ORDER BY id DESC LIMIT $3";
    NEWER = "SELECT id, version, rules, created_at FROM audit_log_schema WHERE environment_id = $1 AND id > $2 AND action_id = $4 ORDER BY id LIMIT $3";
    OLDER_ACTIONS = "SELECT s.id, s.version, s.rules, s.created_at, a.id, a.name, a.created_at, a.updated_at FROM audit_log_action a ",
        "JOIN audit_log_schema s ON s.environment_id = a.environment_id AND s.action_id = a.id AND s.version = a.version ",
        "WHERE a.environment_id = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3";
    NEWER_ACTIONS = "SELECT s.id, s.version, s.rules, s.created_at, a.id, a.name, a.created_at, a.updated_at FROM audit_log_action a ",
        "JOIN audit_log_schema s ON s.environment_id = a.environment_id AND s.action_id = a.id AND s.version = a.version ",
        "WHERE a.environment_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $3";
}

const VERSIONS: Paged = Paged { descending: OLDER, ascending: NEWER };
const ACTIONS: Paged = Paged { descending: OLDER_ACTIONS, ascending: NEWER_ACTIONS };

/// An action with the newest version of its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its ID, which determines its position in lists.
    pub id: AuditActionId,
    /// Its name.
    pub name: String,
    /// The schema of its events.
    pub schema: AuditSchema,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it got its newest schema.
    pub updated_at: Timestamp,
}

fn read(row: &Row) -> Result<AuditSchema> {
    Ok(AuditSchema { id: row.parse(0)?, version: row.int(1)?, rules: row.json(2)?, created_at: row.timestamp(3)? })
}

/// Adds a version of an action's schema, and the action if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    (action_id, name): (AuditActionId, &str),
    (id, rules): (AuditSchemaId, Rules),
    now: Timestamp,
) -> Result<AuditSchema> {
    let params = [environment_id.into(), action_id.into(), name.into(), now.into()];
    let Some(action) = tx.query_opt(ENSURE, &params).await? else {
        return Err(crate::Error::Corrupt("an action that was just made is missing".to_owned()));
    };
    let (action_id, version): (AuditActionId, i64) = (action.parse(0)?, action.int(1)?);
    let text = serde_json::to_string(&rules).map_err(|error| crate::Error::Corrupt(error.to_string()))?;
    let params = [environment_id.into(), id.into(), action_id.into(), version.into(), text.into(), now.into()];
    tx.execute(INSERT, &params).await?;
    Ok(AuditSchema { id, version, rules, created_at: now })
}

/// Returns an action's ID.
///
/// # Errors
/// Database errors.
pub async fn find_action(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    name: &str,
) -> Result<Option<AuditActionId>> {
    query.query_opt(FIND_ACTION, &[environment_id.into(), name.into()]).await?.map(|row| row.parse(0)).transpose()
}

/// Returns a version of an action's schema; the newest if none is given.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    action: &str,
    version: Option<i64>,
) -> Result<Option<AuditSchema>> {
    let row = match version {
        None => query.query_opt(LATEST, &[environment_id.into(), action.into()]).await?,
        Some(version) => query.query_opt(FIND, &[environment_id.into(), action.into(), version.into()]).await?,
    };
    row.as_ref().map(read).transpose()
}

/// Lists the versions of an action's schema.
///
/// # Errors
/// Database errors.
pub async fn versions(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    action_id: AuditActionId,
    slice: &Slice<AuditSchemaId>,
) -> Result<Vec<AuditSchema>> {
    let (sql, bound, limit) = VERSIONS.pick(slice);
    query.query(sql, &[environment_id.into(), bound, limit, action_id.into()]).await?.iter().map(read).collect()
}

/// Lists actions.
///
/// # Errors
/// Database errors.
pub async fn actions(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<AuditActionId>,
) -> Result<Vec<Action>> {
    let (sql, bound, limit) = ACTIONS.pick(slice);
    let rows = query.query(sql, &[environment_id.into(), bound, limit]).await?;
    let action = |row: &Row| {
        Ok(Action {
            id: row.parse(4)?,
            name: row.text(5)?.to_owned(),
            schema: read(row)?,
            created_at: row.timestamp(6)?,
            updated_at: row.timestamp(7)?,
        })
    };
    rows.iter().map(action).collect()
}
