//! Events, written in the transaction of what they report.

use crate::clock::Clock;
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::audit::administrative::target_of;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::events::subject;
use countersign_protocol::webhook::schedule::TRIES;
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
    let subject = subject(event, data);
    let id = act.entropy.id(act.now)?;
    let new = NewEvent { id, event, organization_id, subject: &subject, data, created_at: act.now };
    append(tx, act.environment_id, &new).await?;
    // Administrators' actions are also recorded in the audit log.
    audit_log::record(tx, act, event, target_of(event, data), organization_id).await
}

/// Assigns positions to the events committed so far, so that readers see them, and schedules their webhook deliveries.
/// Any number of nodes may do so at once.
///
/// # Errors
/// Database errors.
pub async fn place(store: &Store, clock: &Clock) -> Result<(), Failure> {
    // Usually there is nothing to do, and a query is cheaper than a transaction.
    while event::is_unplaced(&mut store.reader().await?).await? {
        // Uses the clock shared by all nodes, since this node's own clock may be off.
        let now = store.clock().await?.map_or_else(|| clock.now(), |common| clock.now_by(common));
        let placed = store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(event::place(tx, TRIES, now).await?) }))
            .await?;
        // Events committed from now on are left for the next round: on a busy server this would never end.
        if !placed.full {
            break;
        }
    }
    Ok(())
}

/// The same for readers: events that have positions can be read, even if the rest cannot get theirs.
pub async fn place_if_possible(store: &Store, clock: &Clock) {
    if let Err(failure) = place(store, clock).await {
        tracing::warn!(%failure, "what happened last has no position yet and is not shown");
    }
}
