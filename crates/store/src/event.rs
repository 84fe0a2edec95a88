//! The ordered log of events. A change appends its events in its own transaction.

use crate::sql::statements;
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, EventId, OrganizationId};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO event (environment_id, id, event, organization_id, data, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    PRUNE = "DELETE FROM event WHERE (environment_id, id) IN (SELECT environment_id, id FROM event WHERE created_at < $1 LIMIT 1000)";
}

/// An event about to be written.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Its identifier.
    pub id: EventId,
    /// Its name, such as `organization.created`.
    pub event: &'static str,
    /// The organization whose object it is about, if it belongs to one.
    pub organization_id: Option<OrganizationId>,
    /// The object, as the API shows it, without secrets.
    pub data: &'a serde_json::Value,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Appends an event.
///
/// # Errors
/// Database errors.
pub async fn append(tx: &mut Tx, environment_id: EnvironmentId, event: &NewEvent<'_>) -> Result<()> {
    let params = [
        environment_id.into(),
        event.id.into(),
        event.event.into(),
        event.organization_id.into(),
        event.data.to_string().into(),
        event.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Forgets events from before a moment, a thousand at most.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
