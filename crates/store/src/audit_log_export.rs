//! Audit log exports and the parts they consist of.

use crate::sql::{Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::audit::export::{AuditExport, ExportState};
use countersign_protocol::id::{AuditExportId, EnvironmentId, OrganizationId};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO audit_log_export (environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, ",
        "parts, lines, attempts, next_at, created_at, updated_at) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, 0, 0, 0, $8, $8, $8)";
    FIND = "SELECT environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, parts, lines, attempts, next_at, ",
        "created_at, updated_at FROM audit_log_export WHERE environment_id = $1 AND id = $2";
    OF_ORGANIZATION = "SELECT environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, parts, lines, attempts, next_at, ",
        "created_at, updated_at FROM audit_log_export WHERE environment_id = $1 AND organization_id = $2 ORDER BY id DESC LIMIT $3";
    PENDING = "SELECT COUNT(*) FROM audit_log_export WHERE environment_id = $1 AND next_at IS NOT NULL";
    // The first export of each environment.
    DUE = "SELECT environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, parts, lines, attempts, next_at, ",
        "created_at, updated_at FROM audit_log_export e WHERE next_at <= $1 AND NOT EXISTS (SELECT 1 FROM audit_log_export o ",
        "WHERE o.environment_id = e.environment_id AND o.next_at IS NOT NULL AND o.next_at <= e.next_at ",
        "AND (o.next_at < e.next_at OR o.id < e.id)) ORDER BY next_at LIMIT 100";
    CLAIM = "UPDATE audit_log_export SET next_at = $4, attempts = attempts + 1 WHERE environment_id = $1 AND id = $2 AND next_at = $3";
    // Attempts are counted since the last part: an export that makes progress is not given up, however often its nodes
    // stop.
    ADVANCE = "UPDATE audit_log_export SET after_occurred_at = $4, after_id = $5, parts = parts + 1, lines = lines + $6, state = $7, attempts = 0, ",
        "next_at = $8, updated_at = $9 WHERE environment_id = $1 AND id = $2 AND parts = $3 AND state = 'pending'";
    ADD_PART = "INSERT INTO audit_log_export_part (environment_id, export_id, part, body) VALUES ($1, $2, $3, $4)";
    FAIL = "UPDATE audit_log_export SET state = 'error', next_at = NULL, updated_at = $3 WHERE environment_id = $1 AND id = $2 AND state = 'pending'";
    PART = "SELECT body FROM audit_log_export_part WHERE environment_id = $1 AND export_id = $2 AND part = $3";
    OLD = "SELECT environment_id, id FROM audit_log_export WHERE created_at < $1 AND state <> 'expired' ORDER BY created_at LIMIT 10";
    EXPIRE = "UPDATE audit_log_export SET state = 'expired', next_at = NULL, updated_at = $3 WHERE environment_id = $1 AND id = $2";
    DROP_PARTS = "DELETE FROM audit_log_export_part WHERE environment_id = $1 AND export_id = $2";
    FORGET_EXPIRED = "DELETE FROM audit_log_export WHERE state = 'expired' AND NOT EXISTS (SELECT 1 FROM organization o ",
        "WHERE o.environment_id = audit_log_export.environment_id AND o.id = audit_log_export.organization_id)";
}

fn read(row: &Row) -> Result<(EnvironmentId, AuditExport)> {
    let export = AuditExport {
        id: row.parse(1)?,
        organization_id: row.parse(2)?,
        wanted: row.json(3)?,
        state: row.word(4, ExportState::parse)?,
        through: row.int(5)?,
        after: (row.timestamp(6)?, row.text(7)?.to_owned()),
        parts: row.int(8)?,
        lines: row.int(9)?,
        attempts: row.int(10)?,
        next_at: row.opt_timestamp(11)?,
        created_at: row.timestamp(12)?,
        updated_at: row.timestamp(13)?,
    };
    Ok((row.parse(0)?, export))
}

/// Inserts an export request. The organization may already be gone.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, export: &AuditExport) -> Result<()> {
    let wanted = serde_json::to_string(&export.wanted).map_err(|error| crate::Error::Corrupt(error.to_string()))?;
    let params = [
        environment_id.into(),
        export.id.into(),
        export.organization_id.into(),
        wanted.into(),
        export.through.into(),
        export.after.0.into(),
        (&export.after.1).into(),
        export.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns an export.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: AuditExportId,
) -> Result<Option<AuditExport>> {
    let row = query.query_opt(FIND, &[environment_id.into(), id.into()]).await?;
    row.as_ref().map(read).transpose().map(|found| found.map(|(_, export)| export))
}

/// Returns the newest exports of an organization's log, newest first.
///
/// # Errors
/// Database errors.
pub async fn of_organization(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    most: i64,
) -> Result<Vec<AuditExport>> {
    let params = [environment_id.into(), organization_id.into(), most.into()];
    query.query(OF_ORGANIZATION, &params).await?.iter().map(|row| Ok(read(row)?.1)).collect()
}

/// Returns how many of an environment's exports are pending.
///
/// # Errors
/// Database errors.
pub async fn pending(query: &mut impl Query, environment_id: EnvironmentId) -> Result<i64> {
    query.query_opt(PENDING, &[environment_id.into()]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Returns the next due export of each environment, longest due first.
///
/// # Errors
/// Database errors.
pub async fn due(reader: &mut Reader, now: Timestamp) -> Result<Vec<(EnvironmentId, AuditExport)>> {
    reader.query(DUE, &[now.into()]).await?.iter().map(read).collect()
}

/// Claims a due export for one node until the given time; `false` if another node has it.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, environment_id: EnvironmentId, export: &AuditExport, until: Timestamp) -> Result<bool> {
    let params = [environment_id.into(), export.id.into(), export.next_at.into(), until.into()];
    Ok(tx.execute(CLAIM, &params).await? == 1)
}

/// A finished part, and how far the export has come with it.
#[derive(Debug)]
pub struct Part {
    /// The lines.
    pub body: String,
    /// The number of lines.
    pub lines: i64,
    /// The time and the ID of the last event examined.
    pub after: (Timestamp, String),
    /// Until when this node holds the export; `None` if this was the last part.
    pub until: Option<Timestamp>,
}

/// Adds a part; `false` if another node has continued the export in the meantime.
///
/// # Errors
/// Database errors.
pub async fn add_part(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    export: &AuditExport,
    part: &Part,
    now: Timestamp,
) -> Result<bool> {
    let state = if part.until.is_some() { ExportState::Pending } else { ExportState::Ready };
    let params = [
        environment_id.into(),
        export.id.into(),
        export.parts.into(),
        part.after.0.into(),
        (&part.after.1).into(),
        part.lines.into(),
        state.as_str().into(),
        part.until.into(),
        now.into(),
    ];
    if tx.execute(ADVANCE, &params).await? != 1 {
        return Ok(false);
    }
    let params = [environment_id.into(), export.id.into(), export.parts.into(), (&part.body).into()];
    tx.execute(ADD_PART, &params).await?;
    Ok(true)
}

/// Marks an export as failed.
///
/// # Errors
/// Database errors.
pub async fn fail(tx: &mut Tx, environment_id: EnvironmentId, id: AuditExportId, now: Timestamp) -> Result<()> {
    tx.execute(FAIL, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Returns a part by its number, counting from 0.
///
/// # Errors
/// Database errors.
pub async fn part(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: AuditExportId,
    number: i64,
) -> Result<Option<String>> {
    let row = query.query_opt(PART, &[environment_id.into(), id.into(), number.into()]).await?;
    row.map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Expires exports from before the given time, a few at a time, and deletes their parts; returns how many.
///
/// # Errors
/// Database errors.
pub async fn expire(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<usize> {
    let old = tx.query(OLD, &[before.into()]).await?;
    for row in &old {
        let (environment_id, id): (EnvironmentId, AuditExportId) = (row.parse(0)?, row.parse(1)?);
        tx.execute(EXPIRE, &[environment_id.into(), id.into(), now.into()]).await?;
        tx.execute(DROP_PARTS, &[environment_id.into(), id.into()]).await?;
    }
    Ok(old.len())
}

/// Deletes the expired exports of organizations that are gone, whose state nobody will ask for. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn forget_expired(tx: &mut Tx) -> Result<u64> {
    tx.execute(FORGET_EXPIRED, &[]).await
}
