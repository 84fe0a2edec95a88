//! How long the audit log events of an organization are kept, where somebody has said so.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId};

statements! {
    SET = "INSERT INTO audit_log_retention (environment_id, organization_id, days) VALUES ($1, $2, $3) ",
        "ON CONFLICT (environment_id, organization_id) DO UPDATE SET days = $3";
    FIND = "SELECT days FROM audit_log_retention WHERE environment_id = $1 AND organization_id = $2";
    SHORTER = "SELECT organization_id, days FROM audit_log_retention WHERE environment_id = $1 AND days < $2";
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
    query.query_opt(FIND, &[environment_id.into(), organization_id.into()]).await?.map(|row| row.int(0)).transpose()
}

/// The organizations whose events are kept for fewer days than these.
///
/// # Errors
/// Database errors.
pub async fn shorter(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    days: i64,
) -> Result<Vec<(OrganizationId, i64)>> {
    let rows = query.query(SHORTER, &[environment_id.into(), days.into()]).await?;
    rows.iter().map(|row| Ok((row.parse(0)?, row.int(1)?))).collect()
}
