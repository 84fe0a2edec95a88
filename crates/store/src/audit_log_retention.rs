//! How long the audit log events of an organization are kept, where somebody has said so.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::audit::retention::kept_days;
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO audit_log_retention (environment_id, organization_id, days) VALUES ($1, $2, $3) ",
        "ON CONFLICT (environment_id, organization_id) DO UPDATE SET days = $3";
    FIND = "SELECT days FROM audit_log_retention WHERE environment_id = $1 AND organization_id = $2";
    // What is too short is taken as thirty days here, too: the clamp of the protocol comes after this has found it.
    DUE = "SELECT r.organization_id, r.days FROM audit_log_retention r WHERE r.environment_id = $1 AND r.days < $2 AND EXISTS ",
        "(SELECT 1 FROM audit_log_event e WHERE e.environment_id = r.environment_id AND e.organization_id = r.organization_id ",
        "AND e.kind = 'organization' AND e.recorded_at < $3 - (CASE WHEN r.days < 30 THEN 30 ELSE r.days END) * 86400000)";
}

/// Says for how many days.
///
/// # Errors
/// `ForeignKey` when there is no such organization.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, organization_id: OrganizationId, days: i64) -> Result<()> {
    tx.execute(SET, &[environment_id.into(), organization_id.into(), days.into()]).await?;
    Ok(())
}

/// For how many days; `None` when nobody has said.
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

/// The organizations whose events are kept for fewer days than these, where some have had their time.
///
/// # Errors
/// Database errors.
pub async fn due(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    days: i64,
    now: Timestamp,
) -> Result<Vec<(OrganizationId, i64)>> {
    let rows = query.query(DUE, &[environment_id.into(), days.into(), now.into()]).await?;
    rows.iter().map(|row| Ok((row.parse(0)?, kept_days(row.int(1)?)))).collect()
}
