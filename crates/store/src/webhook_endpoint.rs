//! Webhook endpoints and the events they subscribe to.
//!
//! Any transaction that changes which of an endpoint's deliveries are due locks the endpoint's row: one that creates
//! deliveries must not miss that the preceding one was just settled, nor the reverse.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, WebhookEndpointId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{WebhookEndpoint, WebhookStatus};
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::rotation::Rotation;

statements! {
    INSERT = "INSERT INTO webhook_endpoint (environment_id, id, endpoint_url, status, sealed_secret, failures, created_at, updated_at) ",
        "VALUES ($1, $2, $3, 'enabled', $4, 0, $5, $5)";
    FIND = "SELECT id, endpoint_url, sealed_secret, sealed_next_secret, next_secret_at, status, disabled_reason, failures, failing_since, created_at, updated_at ",
        "FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 AND status <> 'deleted'";
    FIND_BY_URL = "SELECT id FROM webhook_endpoint WHERE environment_id = $1 AND endpoint_url = $2 AND status <> 'deleted'";
    COUNT = "SELECT COUNT(*) FROM webhook_endpoint WHERE environment_id = $1";
    LIST_DESCENDING = "SELECT id, endpoint_url, sealed_secret, sealed_next_secret, next_secret_at, status, disabled_reason, failures, failing_since, created_at, updated_at ",
        "FROM webhook_endpoint WHERE environment_id = $1 AND id < $2 AND status <> 'deleted' ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, endpoint_url, sealed_secret, sealed_next_secret, next_secret_at, status, disabled_reason, failures, failing_since, created_at, updated_at ",
        "FROM webhook_endpoint WHERE environment_id = $1 AND id > $2 AND status <> 'deleted' ORDER BY id ASC LIMIT $3";
    EVENTS = "SELECT event FROM webhook_endpoint_event WHERE environment_id = $1 AND endpoint_id = $2 ORDER BY event";
    SUBSCRIBE = "INSERT INTO webhook_endpoint_event (environment_id, endpoint_id, event) VALUES ($1, $2, $3)";
    UNSUBSCRIBE = "DELETE FROM webhook_endpoint_event WHERE environment_id = $1 AND endpoint_id = $2";
    LOCK = "UPDATE webhook_endpoint SET status = status WHERE environment_id = $1 AND id = $2 AND status <> 'deleted'";
    LOCK_ENDED = "UPDATE webhook_endpoint SET status = status WHERE environment_id = $1 AND id = $2 AND status <> 'enabled' RETURNING status";
    // Attempts to another URL say nothing about this one.
    SET_URL = "UPDATE webhook_endpoint SET endpoint_url = $3, failures = 0, failing_since = NULL, resumes_at = NULL ",
        "WHERE environment_id = $1 AND id = $2 AND endpoint_url <> $3";
    TOUCH = "UPDATE webhook_endpoint SET updated_at = $3 WHERE environment_id = $1 AND id = $2";
    ENABLE = "UPDATE webhook_endpoint SET status = 'enabled', disabled_reason = NULL, failures = 0, failing_since = NULL, resumes_at = NULL ",
        "WHERE environment_id = $1 AND id = $2";
    DISABLE = "UPDATE webhook_endpoint SET status = 'disabled', disabled_reason = $3, drops_through = NULL, replays_from = NULL, replays_until = NULL ",
        "WHERE environment_id = $1 AND id = $2 AND status = 'enabled'";
    DELETE = "UPDATE webhook_endpoint SET status = 'deleted', drops_through = NULL, replays_from = NULL, replays_until = NULL ",
        "WHERE environment_id = $1 AND id = $2 AND status <> 'deleted'";
    FORGET = "DELETE FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 AND status = 'deleted' ",
        "AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.environment_id = $1 AND d.endpoint_id = $2)";
    SET_SECRETS = "UPDATE webhook_endpoint SET sealed_secret = $3, sealed_next_secret = $4, next_secret_at = $5 WHERE environment_id = $1 AND id = $2";
    SUCCEEDED = "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, resumes_at = NULL ",
        "WHERE environment_id = $1 AND id = $2 AND endpoint_url = $3";
    FAILED = "UPDATE webhook_endpoint SET failures = failures + 1, failing_since = COALESCE(failing_since, $3) ",
        "WHERE environment_id = $1 AND id = $2 AND status = 'enabled' RETURNING failures, failing_since";
    REST = "UPDATE webhook_endpoint SET resumes_at = $3 WHERE environment_id = $1 AND id = $2";
    REPLAY = "UPDATE webhook_endpoint SET replays_from = $3, replays_until = $4 WHERE environment_id = $1 AND id = $2";
    REPLAYED = "UPDATE webhook_endpoint SET replays_from = NULL, replays_until = NULL WHERE environment_id = $1 AND id = $2";
    REPLAY_OF = "SELECT replays_from, replays_until FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 AND replays_from IS NOT NULL";
    // Replayed events have earlier positions, and would be dropped with the rest.
    REPLAYING = "SELECT environment_id, id FROM webhook_endpoint WHERE replays_from IS NOT NULL AND drops_through IS NULL";
    DROP_THROUGH = "UPDATE webhook_endpoint SET drops_through = $3 WHERE environment_id = $1 AND id = $2";
    DROPPED = "UPDATE webhook_endpoint SET drops_through = NULL WHERE environment_id = $1 AND id = $2";
    DROPS_OF = "SELECT drops_through FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 AND drops_through IS NOT NULL";
    DROPPING = "SELECT environment_id, id FROM webhook_endpoint WHERE drops_through IS NOT NULL";
    OVERDUE = "SELECT w.environment_id, w.id FROM webhook_endpoint w WHERE w.status = 'enabled' AND EXISTS (SELECT 1 FROM webhook_delivery d ",
        "WHERE d.environment_id = w.environment_id AND d.endpoint_id = w.id AND d.state = 'pending' AND d.pending_since < $1 AND d.remaining = $2)";
    DUE = "SELECT w.environment_id, w.id FROM webhook_endpoint w WHERE w.status = 'enabled' AND (w.resumes_at IS NULL OR w.resumes_at <= $1) ",
        "AND w.drops_through IS NULL AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.environment_id = w.environment_id AND d.endpoint_id = w.id AND d.due_at <= $1)";
    ENDED = "SELECT w.environment_id, w.id FROM webhook_endpoint w WHERE w.status <> 'enabled' AND (w.status = 'deleted' ",
        "OR EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.environment_id = w.environment_id AND d.endpoint_id = w.id AND d.state = 'pending'))";
}

/// An endpoint and its environment.
pub type Key = (EnvironmentId, WebhookEndpointId);

fn read(row: &Row) -> Result<WebhookEndpoint> {
    let next = match row.opt_timestamp(4)? {
        Some(from) => Some((row.bytes(3)?.to_vec(), from)),
        None => None,
    };
    let status = match row.text(5)? {
        "enabled" => WebhookStatus::Enabled,
        _ => WebhookStatus::Disabled { reason: row.opt_text(6)?.map(str::to_owned) },
    };
    let failures = row.int(7)?;
    Ok(WebhookEndpoint {
        id: row.parse(0)?,
        endpoint_url: row.text(1)?.to_owned(),
        secrets: Rotation { secret: row.bytes(2)?.to_vec(), next },
        status,
        events: Vec::new(),
        failing: row.opt_timestamp(8)?.map(|since| (failures, since)),
        created_at: row.timestamp(9)?,
        updated_at: row.timestamp(10)?,
    })
}

async fn with_events(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    mut endpoint: WebhookEndpoint,
) -> Result<WebhookEndpoint> {
    let rows = query.query(EVENTS, &[environment_id.into(), endpoint.id.into()]).await?;
    endpoint.events = rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect::<Result<_>>()?;
    Ok(endpoint)
}

/// Inserts an endpoint.
///
/// # Errors
/// `Unique` if another endpoint has this URL.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, endpoint: &WebhookEndpoint) -> Result<()> {
    let params = [
        environment_id.into(),
        endpoint.id.into(),
        (&endpoint.endpoint_url).into(),
        endpoint.secrets.secret.as_slice().into(),
        endpoint.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    subscribe(tx, (environment_id, endpoint.id), &endpoint.events).await
}

async fn subscribe(tx: &mut Tx, (environment_id, id): Key, events: &[String]) -> Result<()> {
    for event in events {
        tx.execute(SUBSCRIBE, &[environment_id.into(), id.into(), event.into()]).await?;
    }
    Ok(())
}

/// Returns an endpoint with its subscribed events.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, (environment_id, id): Key) -> Result<Option<WebhookEndpoint>> {
    match query.query_opt(FIND, &[environment_id.into(), id.into()]).await? {
        Some(row) => Ok(Some(with_events(query, environment_id, read(&row)?).await?)),
        None => Ok(None),
    }
}

/// Returns the endpoint with this URL.
///
/// # Errors
/// Database errors.
pub async fn find_by_url(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    endpoint_url: &str,
) -> Result<Option<WebhookEndpointId>> {
    query
        .query_opt(FIND_BY_URL, &[environment_id.into(), endpoint_url.into()])
        .await?
        .map(|row| row.parse(0))
        .transpose()
}

/// Returns how many endpoints an environment has, including deleted ones whose deliveries are still being deleted.
///
/// # Errors
/// Database errors.
pub async fn count(query: &mut impl Query, environment_id: EnvironmentId) -> Result<i64> {
    query.query_opt(COUNT, &[environment_id.into()]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Lists a slice of an environment's endpoints.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<WebhookEndpointId>,
) -> Result<Vec<WebhookEndpoint>> {
    let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
    let mut found = Vec::new();
    for row in query.query(sql, &[environment_id.into(), bound, limit]).await? {
        found.push(with_events(query, environment_id, read(&row)?).await?);
    }
    Ok(found)
}

/// Locks an endpoint, and with it which of its deliveries are due; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, (environment_id, id): Key) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), id.into()]).await? == 1)
}

/// Locks an endpoint that is disabled or deleted, and returns whether it is deleted; `None` if it is enabled again, or
/// gone.
///
/// # Errors
/// Database errors.
pub async fn lock_ended(tx: &mut Tx, (environment_id, id): Key) -> Result<Option<bool>> {
    let row = tx.query_opt(LOCK_ENDED, &[environment_id.into(), id.into()]).await?;
    row.map(|row| Ok(row.text(0)? == "deleted")).transpose()
}

/// Changes an endpoint's URL and events. A changed URL clears its record of failures.
///
/// # Errors
/// `Unique` if another endpoint has this URL.
pub async fn update(tx: &mut Tx, key: Key, endpoint_url: &str, events: &[String], now: Timestamp) -> Result<()> {
    let (environment_id, id) = key;
    tx.execute(SET_URL, &[environment_id.into(), id.into(), endpoint_url.into()]).await?;
    tx.execute(TOUCH, &[environment_id.into(), id.into(), now.into()]).await?;
    tx.execute(UNSUBSCRIBE, &[environment_id.into(), id.into()]).await?;
    subscribe(tx, key, events).await
}

/// Enables an endpoint.
///
/// # Errors
/// Database errors.
pub async fn enable(tx: &mut Tx, (environment_id, id): Key) -> Result<()> {
    tx.execute(ENABLE, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Disables an endpoint; `false` if it was not enabled.
///
/// # Errors
/// Database errors.
pub async fn disable(tx: &mut Tx, (environment_id, id): Key, reason: Option<&str>, now: Timestamp) -> Result<bool> {
    let disabled = tx.execute(DISABLE, &[environment_id.into(), id.into(), reason.into()]).await? == 1;
    tx.execute(TOUCH, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(disabled)
}

/// Marks an endpoint as deleted, which hides it; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, (environment_id, id): Key) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Deletes the row of a deleted endpoint, once it has no deliveries left.
///
/// # Errors
/// Database errors.
pub async fn forget(tx: &mut Tx, (environment_id, id): Key) -> Result<()> {
    tx.execute(FORGET, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Sets the secrets that an endpoint's requests are signed with.
///
/// # Errors
/// Database errors.
pub async fn set_secrets(
    tx: &mut Tx,
    (environment_id, id): Key,
    secrets: &Rotation<Vec<u8>>,
    now: Timestamp,
) -> Result<()> {
    let (next, from) = secrets.next.as_ref().map(|(next, from)| (next.as_slice(), *from)).unzip();
    let params = [environment_id.into(), id.into(), secrets.secret.as_slice().into(), next.into(), from.into()];
    tx.execute(SET_SECRETS, &params).await?;
    tx.execute(TOUCH, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Records a successful attempt at this URL, which clears the record of failures if the endpoint still has that URL.
/// Locks the endpoint's row.
///
/// # Errors
/// Database errors.
pub async fn succeeded(tx: &mut Tx, key: Key, endpoint_url: &str) -> Result<()> {
    let (environment_id, id) = key;
    if tx.execute(SUCCEEDED, &[environment_id.into(), id.into(), endpoint_url.into()]).await? == 0 {
        lock(tx, key).await?;
    }
    Ok(())
}

/// Records a failed attempt; returns the number of failures since the last success, and the time of the first of them.
/// `None` if the endpoint is no longer enabled. Otherwise locks the endpoint's row.
///
/// # Errors
/// Database errors.
pub async fn failed(tx: &mut Tx, (environment_id, id): Key, now: Timestamp) -> Result<Option<(i64, Timestamp)>> {
    match tx.query_opt(FAILED, &[environment_id.into(), id.into(), now.into()]).await? {
        Some(row) => Ok(Some((row.int(0)?, row.timestamp(1)?))),
        None => Ok(None),
    }
}

/// Pauses deliveries to an endpoint until the given time.
///
/// # Errors
/// Database errors.
pub async fn rest(tx: &mut Tx, (environment_id, id): Key, until: Timestamp) -> Result<()> {
    tx.execute(REST, &[environment_id.into(), id.into(), until.into()]).await?;
    Ok(())
}

/// Sets the range of positions, both ends inclusive, whose events are sent again; `None` ends the replay.
///
/// # Errors
/// Database errors.
pub async fn set_replay(tx: &mut Tx, (environment_id, id): Key, range: Option<(i64, i64)>) -> Result<()> {
    match range {
        Some((from, until)) => {
            tx.execute(REPLAY, &[environment_id.into(), id.into(), from.into(), until.into()]).await?
        }
        None => tx.execute(REPLAYED, &[environment_id.into(), id.into()]).await?,
    };
    Ok(())
}

/// Returns the range of positions to replay.
///
/// # Errors
/// Database errors.
pub async fn replay(query: &mut impl Query, (environment_id, id): Key) -> Result<Option<(i64, i64)>> {
    match query.query_opt(REPLAY_OF, &[environment_id.into(), id.into()]).await? {
        Some(row) => Ok(Some((row.int(0)?, row.int(1)?))),
        None => Ok(None),
    }
}

/// Returns the endpoints of all environments that have a replay in progress.
///
/// # Errors
/// Database errors.
pub async fn replaying(query: &mut impl Query) -> Result<Vec<Key>> {
    query.query(REPLAYING, &[]).await?.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect()
}

/// Sets the position through which pending deliveries are dropped before anything else is sent; `None` ends that.
///
/// # Errors
/// Database errors.
pub async fn set_drops(tx: &mut Tx, (environment_id, id): Key, through: Option<i64>) -> Result<()> {
    match through {
        Some(through) => tx.execute(DROP_THROUGH, &[environment_id.into(), id.into(), through.into()]).await?,
        None => tx.execute(DROPPED, &[environment_id.into(), id.into()]).await?,
    };
    Ok(())
}

/// Returns the position through which pending deliveries are dropped.
///
/// # Errors
/// Database errors.
pub async fn drops(query: &mut impl Query, (environment_id, id): Key) -> Result<Option<i64>> {
    query.query_opt(DROPS_OF, &[environment_id.into(), id.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Returns the endpoints of all environments whose pending deliveries are being dropped.
///
/// # Errors
/// Database errors.
pub async fn dropping(query: &mut impl Query) -> Result<Vec<Key>> {
    query.query(DROPPING, &[]).await?.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect()
}

/// Returns the endpoints of all environments that have deliveries for [`crate::webhook_delivery::expire`].
///
/// # Errors
/// Database errors.
pub async fn overdue(query: &mut impl Query, before: Timestamp, tries: i64) -> Result<Vec<Key>> {
    let rows = query.query(OVERDUE, &[before.into(), tries.into()]).await?;
    rows.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect()
}

/// Returns the endpoints of all environments that have a due delivery and are not paused.
///
/// # Errors
/// Database errors.
pub async fn due(query: &mut impl Query, now: Timestamp) -> Result<Vec<Key>> {
    query.query(DUE, &[now.into()]).await?.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect()
}

/// Returns the endpoints of all environments that are deleted, or disabled with deliveries still pending.
///
/// # Errors
/// Database errors.
pub async fn ended(query: &mut impl Query) -> Result<Vec<Key>> {
    query.query(ENDED, &[]).await?.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect()
}
