//! How long the audit log events of an organization are kept.

use crate::domain::{Act, Failure, audit_log, organizations};
use countersign_protocol::audit::administrative::target;
use countersign_store::{Tx, audit_log_event, audit_log_retention};

/// Says for how many days.
///
/// # Errors
/// 404 for the organization.
pub async fn set(tx: &mut Tx, act: &Act, organization_id: &str, days: i64) -> Result<(), Failure> {
    let organization = organizations::find(tx, act, organization_id).await?;
    // Whoever is just forgetting events by what was said before is waited for, and nothing is forgotten by it afterwards.
    audit_log_event::lock_head(tx, act.environment_id).await?;
    audit_log_retention::set(tx, act.environment_id, organization.id, days).await?;
    let target = target("organization", organization.id);
    audit_log::record(tx, act, "audit_logs_retention.updated", target, Some(organization.id)).await
}
