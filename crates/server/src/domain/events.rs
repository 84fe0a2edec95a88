//! Events: what happened, written in the transaction in which it happened.

use super::{Act, Failure};
use countersign_protocol::id::OrganizationId;
use countersign_store::Tx;
use countersign_store::event::{NewEvent, append};
use serde_json::Value;

/// Appends an event.
///
/// # Errors
/// Database errors.
pub async fn record(
    tx: &mut Tx,
    act: &Act,
    event: &'static str,
    organization_id: Option<OrganizationId>,
    data: &Value,
) -> Result<(), Failure> {
    let event = NewEvent { id: act.entropy.id(act.now)?, event, organization_id, data, created_at: act.now };
    Ok(append(tx, act.environment_id, &event).await?)
}
