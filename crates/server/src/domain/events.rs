//! Events: what happened, written in the transaction in which it happened.

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
    // What an administrator has done is in the audit log as well.
    audit_log::record(tx, act, event, target_of(event, data), organization_id).await
}

/// Gives the events that are committed by now their positions, so that readers see them, and puts them on their way to
/// webhooks. Any number of nodes may do so at once.
///
/// # Errors
/// Database errors.
pub async fn place(store: &Store, clock: &Clock) -> Result<(), Failure> {
    // Mostly there is nothing to do, and a question is cheaper than a transaction.
    while event::is_unplaced(&mut store.reader().await?).await? {
        // By the clock that all nodes have in common: this one's may be the one that is wrong.
        let now = store.clock().await?.map_or_else(|| clock.now(), |common| clock.now_by(common));
        let placed = store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(event::place(tx, TRIES, now).await?) }))
            .await?;
        // What is committed from now on is for the next round: a busy server would never come to an end.
        if !placed.full {
            break;
        }
    }
    Ok(())
}

/// The same for readers: what has its position can be read, whatever keeps the rest from having one.
pub async fn place_if_possible(store: &Store, clock: &Clock) {
    if let Err(failure) = place(store, clock).await {
        tracing::warn!(%failure, "what happened last has no position yet and is not shown");
    }
}
