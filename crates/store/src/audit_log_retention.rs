//! How long an organization's audit log events are kept, where this has been set.

use crate::sql::{Query, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::audit::retention::kept_days;
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO audit_log_retention (environment_id, organization_id, days) VALUES ($1, $2, $3) ",
        "ON CONFLICT (environment_id, organization_id) DO UPDATE SET days = $3";
    FIND = "SELECT days FROM audit_log_retention WHERE environment_id = $1 AND organization_id = $2";
    // Steps from one organization to the next by the index, rather than through their events. Periods that are too
    // short or too long are clamped here as well, because the protocol's clamp applies only to rows this has found.
    DUE = "WITH RECURSIVE told (organization_id) AS (",
        "SELECT MIN(e.organization_id) FROM audit_log_event e WHERE e.environment_id = $1 AND e.kind = 'organization' AND e.organization_id > '' ",
        "UNION ALL SELECT (SELECT MIN(e.organization_id) FROM audit_log_event e WHERE e.environment_id = $1 AND e.kind = 'organization' ",
        "AND e.organization_id > told.organization_id) FROM told WHERE told.organization_id IS NOT NULL) ",
        "SELECT t.organization_id, COALESCE(r.days, $2) FROM told t ",
        "LEFT JOIN audit_log_retention r ON r.environment_id = $1 AND r.organization_id = t.organization_id ",
        "WHERE t.organization_id IS NOT NULL AND EXISTS (SELECT 1 FROM audit_log_event e WHERE e.environment_id = $1 ",
        "AND e.organization_id = t.organization_id AND e.kind = 'organization' AND e.recorded_at < $3 - ",
        "(CASE WHEN r.days IS NULL THEN $2 WHEN r.days < 30 THEN 30 WHEN r.days > 3650 THEN 3650 ELSE r.days END) * 86400000)";
    LEFT_BEHIND = "SELECT r.organization_id FROM audit_log_retention r WHERE r.environment_id = $1 ",
        "AND NOT EXISTS (SELECT 1 FROM organization o WHERE o.environment_id = $1 AND o.id = r.organization_id) ",
        "AND NOT EXISTS (SELECT 1 FROM audit_log_event e WHERE e.environment_id = $1 AND e.organization_id = r.organization_id ",
        "AND e.kind = 'organization') LIMIT 1000";
    FORGET = "DELETE FROM audit_log_retention WHERE environment_id = $1 AND organization_id = $2";
}

/// Sets the retention period in days.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, organization_id: OrganizationId, days: i64) -> Result<()> {
    tx.execute(SET, &[environment_id.into(), organization_id.into(), days.into()]).await?;
    Ok(())
}

/// Returns the retention period in days; `None` if it has not been set.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<i64>> {
    query
        .query_opt(FIND, &[environment_id.into(), organization_id.into()])
        .await?
        .map(|row| Ok(kept_days(row.int(0)?)))
        .transpose()
}

/// Returns the organizations, including deleted ones, that have events past their retention period, with that period:
/// `days` unless it has been set.
///
/// # Errors
/// Database errors.
pub async fn due(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    days: i64,
    now: Timestamp,
) -> Result<Vec<(OrganizationId, i64)>> {
    // One index lookup for each organization that ever had an event.
    let rows = reader.scan(DUE, vec![environment_id.into(), days.into(), now.into()]).await?;
    rows.iter().map(|row| Ok((row.parse(0)?, kept_days(row.int(1)?)))).collect()
}

/// Returns some of the organizations that are gone, and their events too, but whose retention period is still stored.
///
/// # Errors
/// Database errors.
pub async fn left_behind(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<OrganizationId>> {
    query.query(LEFT_BEHIND, &[environment_id.into()]).await?.iter().map(|row| row.parse(0)).collect()
}

/// Deletes an organization's retention period.
///
/// # Errors
/// Database errors.
pub async fn forget(tx: &mut Tx, environment_id: EnvironmentId, organization_id: OrganizationId) -> Result<()> {
    tx.execute(FORGET, &[environment_id.into(), organization_id.into()]).await?;
    Ok(())
}
