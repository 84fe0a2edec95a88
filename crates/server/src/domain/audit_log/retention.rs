//! The retention of an organization's audit log events.

use crate::domain::{Act, Failure, audit_log, organizations};
use countersign_protocol::audit::administrative::target;
use countersign_store::{Tx, audit_log_event, audit_log_retention};

/// Sets the retention, in days.
///
/// # Errors
/// 404 for the organization.
pub async fn set(tx: &mut Tx, act: &Act, organization_id: &str, days: i64) -> Result<(), Failure> {
    let organization = organizations::find(tx, act, organization_id).await?;
    // Waits for a pruning run that uses the previous retention; nothing is deleted under that afterwards.
    audit_log_event::lock_head(tx, act.environment_id).await?;
    audit_log_retention::set(tx, act.environment_id, organization.id, days).await?;
    let target = target("organization", organization.id);
    audit_log::record(tx, act, "audit_logs_retention.updated", target, Some(organization.id)).await
}
