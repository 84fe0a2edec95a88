//! Events: what happened, written in the transaction in which it happened.

use super::{Act, Failure, audit};
use countersign_protocol::audit::administrative::target_of;
use countersign_protocol::id::OrganizationId;
use countersign_store::event::{self, NewEvent, append};
use countersign_store::{Store, Tx};
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
    append(tx, act.environment_id, &event).await?;
    // What an administrator has done is in the audit log as well.
    audit::record(tx, act, event.event, target_of(event.event, data), organization_id).await
}

/// Gives the events that are committed by now their positions, so that readers see them. Any number of nodes may do so at
/// once.
///
/// # Errors
/// Database errors.
pub async fn place(store: &Store) -> Result<(), Failure> {
    // Mostly there is nothing to do, and a question is cheaper than a transaction.
    while event::is_unplaced(&mut store.reader().await?).await? {
        let placed = store.write::<_, Failure, _>(|tx| Box::pin(async move { Ok(event::place(tx).await?) })).await?;
        // What is committed from now on is for the next round: a busy server would never come to an end.
        if placed < event::BATCH {
            break;
        }
    }
    Ok(())
}
