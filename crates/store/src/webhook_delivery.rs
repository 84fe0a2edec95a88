//! Webhook deliveries: one row per event and endpoint subscribed to it.
//!
//! Deliveries are created in the transaction that gives an event its position, so a delivery exists exactly when the
//! event is visible. Of the deliveries pending for one endpoint and one subject, exactly one has a due time; the others
//! wait for it. Every function that creates or settles deliveries holds the endpoint's row lock.

use crate::sql::{Query, Row, Sql, statements};
use crate::webhook_endpoint::Key;
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, EventId};
use countersign_protocol::management::page::Scan;
use countersign_protocol::model::{DeliveryState, WebhookDelivery};
use countersign_protocol::time::Timestamp;

/// Maximum number of rows deleted, or of events examined for a replay, at a time.
pub const STEP: u64 = 1000;

statements! {
    HIGHEST_ENABLED_COUNT = "SELECT COUNT(*) FROM webhook_endpoint WHERE status = 'enabled' GROUP BY environment_id ORDER BY 1 DESC LIMIT 1";
    // A cross join makes SQLite begin with the events.
    LOCK_SUBSCRIBERS = "UPDATE webhook_endpoint SET reached = $3 WHERE environment_id = $1 AND status = 'enabled' AND id IN ",
        "(SELECT s.endpoint_id FROM event e CROSS JOIN webhook_endpoint_event s WHERE e.environment_id = $1 AND e.position > $2 ",
        "AND e.position <= $3 AND s.environment_id = e.environment_id AND s.event = e.event) RETURNING id";
    // Without the index hints here and below, SQLite picks the index by state instead of the one by subject, and
    // reads everything pending each time.
    // Only for the endpoints locked by the statement above: others may have subscribed to an event since.
    FAN_OUT = "INSERT INTO webhook_delivery (environment_id, endpoint_id, event_id, event, position, subject, state, attempts, remaining, due_at, created_at, pending_since) ",
        "SELECT e.environment_id, s.endpoint_id, e.id, e.event, e.position, e.subject, 'pending', 0, CAST($4 AS BIGINT), ",
        "CASE WHEN row_number() OVER (PARTITION BY s.endpoint_id, e.subject ORDER BY e.position) = 1 AND NOT EXISTS ",
        "(SELECT 1 FROM webhook_delivery d /*INDEXED BY webhook_delivery_subject*/ WHERE d.environment_id = e.environment_id AND d.endpoint_id = s.endpoint_id ",
        "AND d.subject = e.subject AND d.state = 'pending') THEN e.created_at END, e.created_at, e.created_at ",
        "FROM event e CROSS JOIN webhook_endpoint_event s CROSS JOIN webhook_endpoint w ",
        "WHERE e.environment_id = $1 AND e.position > $2 AND e.position <= $3 AND s.environment_id = e.environment_id AND s.event = e.event ",
        "AND w.environment_id = s.environment_id AND w.id = s.endpoint_id AND w.status = 'enabled' AND w.reached = $3";
    REPLAY_STEP = "SELECT position FROM event WHERE environment_id = $1 AND position >= $2 AND position <= $3 ORDER BY position LIMIT 1 OFFSET $4";
    REPLAY = "INSERT INTO webhook_delivery (environment_id, endpoint_id, event_id, event, position, subject, state, attempts, remaining, due_at, created_at, pending_since) ",
        "SELECT e.environment_id, s.endpoint_id, e.id, e.event, e.position, e.subject, 'pending', 0, CAST($5 AS BIGINT), ",
        "CASE WHEN row_number() OVER (PARTITION BY e.subject ORDER BY e.position) = 1 AND NOT EXISTS ",
        "(SELECT 1 FROM webhook_delivery d /*INDEXED BY webhook_delivery_subject*/ WHERE d.environment_id = e.environment_id AND d.endpoint_id = s.endpoint_id ",
        "AND d.subject = e.subject AND d.state = 'pending') THEN CAST($6 AS BIGINT) END, CAST($6 AS BIGINT), CAST($6 AS BIGINT) ",
        "FROM event e CROSS JOIN webhook_endpoint_event s WHERE e.environment_id = $1 AND e.position >= $3 AND e.position <= $4 ",
        "AND s.environment_id = e.environment_id AND s.endpoint_id = $2 AND s.event = e.event ",
        "ON CONFLICT (environment_id, endpoint_id, event_id) DO UPDATE SET state = 'pending', remaining = excluded.remaining, ",
        "due_at = excluded.due_at, pending_since = excluded.pending_since, settled_at = NULL WHERE webhook_delivery.state <> 'pending'";
    IS_DUE = "SELECT 1 FROM webhook_delivery WHERE due_at <= $1 LIMIT 1";
    // The bound appears twice: if two nodes claim at once, the second rechecks it on the rows that the first has
    // changed.
    CLAIM = "UPDATE webhook_delivery SET due_at = $4, attempts = attempts + 1, remaining = remaining - 1 ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND due_at <= $3 AND event_id IN (SELECT event_id FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND due_at <= $3 ORDER BY due_at, position LIMIT $5) ",
        "AND EXISTS (SELECT 1 FROM webhook_endpoint w WHERE w.environment_id = $1 AND w.id = $2 AND w.status = 'enabled' ",
        "AND w.drops_through IS NULL) RETURNING event_id, attempts, remaining";
    SETTLE = "UPDATE webhook_delivery SET state = $4, due_at = NULL, settled_at = $5 ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 AND state = 'pending' RETURNING subject";
    RELEASE = "UPDATE webhook_delivery SET due_at = $4 WHERE environment_id = $1 AND endpoint_id = $2 AND due_at IS NULL AND event_id = ",
        "(SELECT event_id FROM webhook_delivery /*INDEXED BY webhook_delivery_subject*/ WHERE environment_id = $1 AND endpoint_id = $2 AND subject = $3 AND state = 'pending' ",
        "ORDER BY position LIMIT 1)";
    RETRY = "UPDATE webhook_delivery SET due_at = $5 WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 ",
        "AND state = 'pending' AND attempts = $4";
    RELEASE_BLOCKED = "UPDATE webhook_delivery SET due_at = $4 WHERE environment_id = $1 AND endpoint_id = $2 AND due_at IS NULL AND event_id = ",
        "(SELECT event_id FROM webhook_delivery /*INDEXED BY webhook_delivery_subject*/ WHERE environment_id = $1 AND endpoint_id = $2 AND subject = $3 AND state = 'pending' ",
        "ORDER BY position LIMIT 1) AND NOT EXISTS (SELECT 1 FROM webhook_delivery d /*INDEXED BY webhook_delivery_subject*/ WHERE d.environment_id = $1 AND d.endpoint_id = $2 ",
        "AND d.subject = $3 AND d.state = 'pending' AND d.due_at IS NOT NULL)";
    // The first delivery of each subject that has no due delivery. `settled_at IS NULL` stands for pending, to match
    // the index of waiting deliveries.
    BLOCKED = "SELECT f.environment_id, f.endpoint_id, f.subject FROM webhook_endpoint w CROSS JOIN webhook_delivery f WHERE w.status = 'enabled' ",
        "AND f.environment_id = w.environment_id AND f.endpoint_id = w.id AND f.settled_at IS NULL AND f.due_at IS NULL AND NOT EXISTS ",
        "(SELECT 1 FROM webhook_delivery d /*INDEXED BY webhook_delivery_subject*/ WHERE d.environment_id = f.environment_id AND d.endpoint_id = f.endpoint_id ",
        "AND d.subject = f.subject AND d.state = 'pending' AND (d.due_at IS NOT NULL OR d.position < f.position)) LIMIT $1";
    // A delivery claimed by a node is in flight; it is recognized by its latest attempt having no record yet.
    HURRY = "UPDATE webhook_delivery SET due_at = CASE WHEN due_at < $4 THEN due_at ELSE $4 END, remaining = $5, pending_since = $4 ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 AND due_at IS NOT NULL AND (due_at <= $4 OR EXISTS ",
        "(SELECT 1 FROM webhook_attempt a WHERE a.environment_id = $1 AND a.endpoint_id = $2 AND a.event_id = $3 ",
        "AND a.number = webhook_delivery.attempts))";
    EXPIRE = "UPDATE webhook_delivery SET state = 'failed', due_at = NULL, settled_at = $4 WHERE environment_id = $1 AND endpoint_id = $2 ",
        "AND state || '' = 'pending' AND remaining = $5 AND event_id IN (SELECT event_id FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 ",
        "AND state = 'pending' AND pending_since < $3 AND remaining = $5 LIMIT 1000)";
    AGAIN = "UPDATE webhook_delivery SET state = 'pending', remaining = $4, pending_since = $5, settled_at = NULL, due_at = CASE WHEN NOT EXISTS ",
        "(SELECT 1 FROM webhook_delivery d /*INDEXED BY webhook_delivery_subject*/ WHERE d.environment_id = webhook_delivery.environment_id ",
        "AND d.endpoint_id = webhook_delivery.endpoint_id AND d.subject = webhook_delivery.subject AND d.state = 'pending') ",
        "THEN CAST($5 AS BIGINT) END WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 AND state <> 'pending'";
    DROP_PENDING = "DELETE FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 AND event_id IN (SELECT event_id ",
        "FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 AND state = 'pending' LIMIT 1000)";
    DROP_THROUGH = "DELETE FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 AND event_id IN (SELECT event_id ",
        "FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 AND state = 'pending' AND position <= $3 LIMIT 1000)";
    DROP_ALL = "DELETE FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 AND event_id IN (SELECT event_id ",
        "FROM webhook_delivery WHERE environment_id = $1 AND endpoint_id = $2 LIMIT 1000)";
    PRUNE = "DELETE FROM webhook_delivery WHERE (environment_id, endpoint_id, event_id) IN ",
        "(SELECT environment_id, endpoint_id, event_id FROM webhook_delivery WHERE settled_at < $1 LIMIT 1000)";
    FIND = "SELECT event_id, event, state, attempts, due_at, created_at, settled_at, position FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3";
    OLDER = "SELECT event_id, event, state, attempts, due_at, created_at, settled_at, position FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND position < $3 ORDER BY position DESC LIMIT $4";
    NEWER = "SELECT event_id, event, state, attempts, due_at, created_at, settled_at, position FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND position > $3 ORDER BY position LIMIT $4";
    OLDER_IN_STATE = "SELECT event_id, event, state, attempts, due_at, created_at, settled_at, position FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND position < $3 AND state = $5 ORDER BY position DESC LIMIT $4";
    NEWER_IN_STATE = "SELECT event_id, event, state, attempts, due_at, created_at, settled_at, position FROM webhook_delivery ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND position > $3 AND state = $5 ORDER BY position LIMIT $4";
    PENDING = "SELECT COUNT(*) FROM (SELECT 1 FROM webhook_delivery WHERE state = 'pending' LIMIT $1) AS p";
}

/// A delivery claimed by this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// The endpoint.
    pub key: Key,
    /// The event.
    pub event_id: EventId,
    /// The number of this attempt, counting all attempts so far.
    pub number: i64,
    /// Attempts left after this one.
    pub remaining: i64,
}

/// Returns the highest number of enabled endpoints in any environment.
///
/// # Errors
/// Database errors.
pub(crate) async fn most_enabled(query: &mut impl Query) -> Result<usize> {
    let most = query.query_opt(HIGHEST_ENABLED_COUNT, &[]).await?.map_or(Ok(0), |row| row.int(0))?;
    Ok(usize::try_from(most).unwrap_or(0))
}

/// Creates deliveries of these environments' events with positions above the first bound and up to the second, for the
/// enabled endpoints subscribed to them.
///
/// # Errors
/// Database errors.
pub(crate) async fn fan_out(
    tx: &mut Tx,
    environments: &[EnvironmentId],
    (above, through): (i64, i64),
    tries: i64,
) -> Result<()> {
    for environment_id in environments {
        let range = [(*environment_id).into(), above.into(), through.into()];
        if !tx.query(LOCK_SUBSCRIBERS, &range).await?.is_empty() {
            let params = [(*environment_id).into(), above.into(), through.into(), tries.into()];
            tx.execute(FAN_OUT, &params).await?;
        }
    }
    Ok(())
}

/// Creates or resets deliveries of the next events in a range of positions, for an endpoint whose row is locked;
/// returns the position to continue from, `None` at the end.
///
/// # Errors
/// Database errors.
pub async fn replay(
    tx: &mut Tx,
    (environment_id, endpoint_id): Key,
    (from, until): (i64, i64),
    tries: i64,
    now: Timestamp,
) -> Result<Option<i64>> {
    let step = i64::try_from(STEP).unwrap_or(i64::MAX);
    let beyond = tx.query_opt(REPLAY_STEP, &[environment_id.into(), from.into(), until.into(), step.into()]).await?;
    let next = beyond.map(|row| row.int(0)).transpose()?;
    let params = [
        environment_id.into(),
        endpoint_id.into(),
        from.into(),
        next.map_or(until, |next| next - 1).into(),
        tries.into(),
        now.into(),
    ];
    tx.execute(REPLAY, &params).await?;
    Ok(next)
}

/// Whether any delivery is due.
///
/// # Errors
/// Database errors.
pub async fn is_due(query: &mut impl Query, now: Timestamp) -> Result<bool> {
    Ok(query.query_opt(IS_DUE, &[now.into()]).await?.is_some())
}

/// Claims deliveries to an endpoint that are due, for one node, which has until `lease` to settle them.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, key: Key, now: Timestamp, lease: Timestamp, most: usize) -> Result<Vec<Claimed>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx.query(CLAIM, &[key.0.into(), key.1.into(), now.into(), lease.into(), most.into()]).await?;
    let read = |row: &Row| Ok(Claimed { key, event_id: row.parse(0)?, number: row.int(1)?, remaining: row.int(2)? });
    rows.iter().map(read).collect()
}

/// Settles a delivery and releases the next one of the same subject; `false` if it is no longer pending. The endpoint's
/// row must be locked.
///
/// # Errors
/// Database errors.
pub async fn settle(tx: &mut Tx, claimed: &Claimed, state: DeliveryState, now: Timestamp) -> Result<bool> {
    let (environment_id, endpoint_id) = claimed.key;
    let params =
        [environment_id.into(), endpoint_id.into(), claimed.event_id.into(), state.as_str().into(), now.into()];
    let Some(settled) = tx.query_opt(SETTLE, &params).await? else { return Ok(false) };
    tx.execute(RELEASE, &[environment_id.into(), endpoint_id.into(), settled.text(0)?.into(), now.into()]).await?;
    Ok(true)
}

/// Schedules the next attempt of a delivery; `false` if it is no longer pending, or another node has claimed it.
///
/// # Errors
/// Database errors.
pub async fn retry(tx: &mut Tx, claimed: &Claimed, at: Timestamp) -> Result<bool> {
    let (environment_id, endpoint_id) = claimed.key;
    let params = [environment_id.into(), endpoint_id.into(), claimed.event_id.into(), claimed.number.into(), at.into()];
    Ok(tx.execute(RETRY, &params).await? == 1)
}

/// Sends an event again, as if it had never been sent. A delivery waiting for its next attempt becomes due now; one in
/// flight is left alone. The endpoint's row must be locked.
///
/// # Errors
/// Database errors.
pub async fn again(
    tx: &mut Tx,
    (environment_id, endpoint_id): Key,
    event_id: EventId,
    tries: i64,
    now: Timestamp,
) -> Result<()> {
    let params = [environment_id.into(), endpoint_id.into(), event_id.into(), now.into(), tries.into()];
    tx.execute(HURRY, &params).await?;
    let params = [environment_id.into(), endpoint_id.into(), event_id.into(), tries.into(), now.into()];
    tx.execute(AGAIN, &params).await?;
    Ok(())
}

/// Deletes an endpoint's deliveries, either the pending ones or all, at most [`STEP`]; returns how many.
///
/// # Errors
/// Database errors.
pub async fn drop_some(tx: &mut Tx, (environment_id, endpoint_id): Key, all: bool) -> Result<u64> {
    let sql = if all { DROP_ALL } else { DROP_PENDING };
    tx.execute(sql, &[environment_id.into(), endpoint_id.into()]).await
}

/// Deletes an endpoint's pending deliveries of events up to a position, at most [`STEP`]; returns how many.
///
/// # Errors
/// Database errors.
pub async fn drop_some_through(tx: &mut Tx, (environment_id, endpoint_id): Key, through: i64) -> Result<u64> {
    tx.execute(DROP_THROUGH, &[environment_id.into(), endpoint_id.into(), through.into()]).await
}

/// Fails deliveries to an endpoint that have been pending since before `before` and have not been claimed, that is,
/// still have all their attempts left; at most [`STEP`], returns how many. Deliveries waiting behind them are then
/// [`blocked`]. The endpoint's row must be locked.
///
/// # Errors
/// Database errors.
pub async fn expire(
    tx: &mut Tx,
    (environment_id, endpoint_id): Key,
    before: Timestamp,
    tries: i64,
    now: Timestamp,
) -> Result<u64> {
    tx.execute(EXPIRE, &[environment_id.into(), endpoint_id.into(), before.into(), now.into(), tries.into()]).await
}

/// Returns subjects, of enabled endpoints in all environments, that have pending deliveries but none with a due time;
/// at most [`STEP`].
///
/// # Errors
/// Database errors.
pub async fn blocked(reader: &mut Reader) -> Result<Vec<(Key, String)>> {
    let most = i64::try_from(STEP).unwrap_or(i64::MAX);
    // This scans everything that waits.
    let rows = reader.scan(BLOCKED, vec![most.into()]).await?;
    rows.iter().map(|row| Ok(((row.parse(0)?, row.parse(1)?), row.text(2)?.to_owned()))).collect()
}

/// Makes the first delivery of a subject due if none is; `false` if one is by now. The endpoint's row must be locked.
///
/// # Errors
/// Database errors.
pub async fn release(tx: &mut Tx, (environment_id, endpoint_id): Key, subject: &str, now: Timestamp) -> Result<bool> {
    let params = [environment_id.into(), endpoint_id.into(), subject.into(), now.into()];
    Ok(tx.execute(RELEASE_BLOCKED, &params).await? == 1)
}

/// Deletes at most a thousand deliveries settled before the given time, with their attempts.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}

fn read(row: &Row) -> Result<WebhookDelivery> {
    Ok(WebhookDelivery {
        event_id: row.parse(0)?,
        event: row.text(1)?.to_owned(),
        state: row.word(2, DeliveryState::parse)?,
        attempts: row.int(3)?,
        due_at: row.opt_timestamp(4)?,
        created_at: row.timestamp(5)?,
        settled_at: row.opt_timestamp(6)?,
    })
}

/// Returns a delivery, with the position of its event.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    (environment_id, endpoint_id): Key,
    event_id: EventId,
) -> Result<Option<(WebhookDelivery, i64)>> {
    match query.query_opt(FIND, &[environment_id.into(), endpoint_id.into(), event_id.into()]).await? {
        Some(row) => Ok(Some((read(&row)?, row.int(7)?))),
        None => Ok(None),
    }
}

/// Lists an endpoint's deliveries by the positions of their events, beyond the given one; only those in a state, or
/// all.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    (environment_id, endpoint_id): Key,
    (scan, from, limit): (Scan, Option<i64>, usize),
    state: Option<DeliveryState>,
) -> Result<Vec<WebhookDelivery>> {
    let (sql, open): (Sql, i64) = match (scan, state) {
        (Scan::Descending, None) => (OLDER, i64::MAX),
        (Scan::Descending, Some(_)) => (OLDER_IN_STATE, i64::MAX),
        (Scan::Ascending, None) => (NEWER, 0),
        (Scan::Ascending, Some(_)) => (NEWER_IN_STATE, 0),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut params = vec![environment_id.into(), endpoint_id.into(), from.unwrap_or(open).into(), limit.into()];
    params.extend(state.map(|state| state.as_str().into()));
    query.query(sql, &params).await?.iter().map(read).collect()
}

/// Returns how many deliveries of all environments are pending, counting up to `most`.
///
/// # Errors
/// Database errors.
pub async fn pending(query: &mut impl Query, most: i64) -> Result<i64> {
    query.query_opt(PENDING, &[most.into()]).await?.map_or(Ok(0), |row| row.int(0))
}
