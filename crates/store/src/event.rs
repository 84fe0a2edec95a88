//! The ordered event log. A change appends its events in its own transaction; a *placer* gives committed events their
//! positions afterwards, and readers read by position only.
//!
//! Neither IDs nor insertions follow the order of commits: a reader that has seen the newest would miss what a
//! transaction that began earlier commits later. Positions are assigned by one transaction at a time, which holds the
//! counter's row until its commit, so a position becomes visible only after every smaller one, and the order never
//! changes behind a reader. Events about one object keep the order in which their transactions held its lock, which is
//! the order of insertion.

use crate::sql::{Query, Row, Sql, Value, statements};
use crate::{Result, Tx, webhook_delivery};
use countersign_protocol::id::{EnvironmentId, EventId, OrganizationId};
use countersign_protocol::management::events::{Event, Filter};
use countersign_protocol::management::page::Scan;
use countersign_protocol::time::Timestamp;

/// Maximum number of events placed at a time.
pub const BATCH: usize = 1000;
/// Maximum number of deliveries created at a time: where many endpoints subscribe to each event, fewer events are
/// placed.
const DELIVERIES: usize = 10_000;

/// An event is committed within this many seconds after its timestamp, give or take the clock differences between
/// nodes.
const LATE: i64 = 3600;

statements! {
    INSERT = "INSERT INTO event (environment_id, id, event, organization_id, subject, data, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "SELECT position, id, event, data, created_at FROM event WHERE environment_id = $1 AND id = $2 AND position > 0";
    PRUNE = "DELETE FROM event WHERE (environment_id, id) IN (SELECT environment_id, id FROM event WHERE created_at < $1 LIMIT 1000)";
    UNPLACED = "SELECT 1 FROM event WHERE position IS NULL LIMIT 1";
    LOCK = "UPDATE event_counter SET position = position WHERE id = 1 RETURNING position, latest_at";
    PLACE = "UPDATE event SET position = n.position, latest_at = CASE WHEN n.latest_at > $2 THEN n.latest_at ELSE $2 END ",
        "FROM (SELECT environment_id, id, $1 + row_number() OVER (ORDER BY rowid) AS position, ",
        "MAX(CASE WHEN created_at > $4 THEN $4 ELSE created_at END) OVER (ORDER BY rowid) AS latest_at FROM event WHERE position IS NULL ORDER BY rowid LIMIT $3) AS n ",
        "WHERE event.environment_id = n.environment_id AND event.id = n.id RETURNING event.position, event.latest_at, event.environment_id";
    PLACED = "UPDATE event_counter SET position = $1, latest_at = $2 WHERE id = 1";
    HEAD = "SELECT position FROM event_counter WHERE id = 1";
    POSITION = "SELECT position FROM event WHERE environment_id = $1 AND id = $2";
    // Event timestamps do not follow the order of positions, but the latest timestamp so far does.
    FROM_MOMENT = "SELECT position FROM event WHERE environment_id = $1 AND latest_at >= $2 AND position IS NOT NULL ",
        "ORDER BY latest_at, position LIMIT 1";
    OF_ORGANIZATION = "SELECT 1 FROM event WHERE environment_id || '' = $1 AND organization_id = $2 AND position > 0 LIMIT 1";
    // The plus keeps SQLite from using the index by time and then sorting. The two bounds are written differently
    // because PostgreSQL assumes that a range leaves few rows, and would sort them all rather than read a page in order
    // (a hundred times slower).
    OLDER = "SELECT position, id, event, data, created_at FROM event WHERE environment_id = $1 AND position > $2 AND position < $3 ",
        "AND +created_at >= $4 AND created_at + 0 < $5 ORDER BY position DESC LIMIT $6";
    NEWER = "SELECT position, id, event, data, created_at FROM event WHERE environment_id = $1 AND position > $2 AND position < $3 ",
        "AND +created_at >= $4 AND created_at + 0 < $5 ORDER BY position LIMIT $6";
    // For one organization, SQLite would read all positions of the environment and filter out the others, so the
    // environment is compared in a way that no index can serve. An organization belongs to one environment.
    OLDER_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND organization_id = $7 ORDER BY position DESC LIMIT $6";
    NEWER_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND organization_id = $7 ORDER BY position LIMIT $6";
    // For one event name, too, SQLite would read all positions and filter.
    OLDER_NAMED = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_event*/ WHERE environment_id = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 ORDER BY position DESC LIMIT $6";
    NEWER_NAMED = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_event*/ WHERE environment_id = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 ORDER BY position LIMIT $6";
    OLDER_NAMED_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_organization_id_event*/ WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 AND organization_id = $8 ORDER BY position DESC LIMIT $6";
    NEWER_NAMED_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_organization_id_event*/ WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 AND organization_id = $8 ORDER BY position LIMIT $6";
}

/// An event to append.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Its ID.
    pub id: EventId,
    /// Its name, such as `organization.created`.
    pub event: &'static str,
    /// The organization whose object it is about, if it belongs to one.
    pub organization_id: Option<OrganizationId>,
    /// What it is about: webhooks deliver the events of one subject in order.
    pub subject: &'a str,
    /// The object, as the API shows it, without secrets.
    pub data: &'a serde_json::Value,
    /// When it happened.
    pub created_at: Timestamp,
}

/// What to read: up to `limit` events in the direction of `scan`, beyond `from` if given.
#[derive(Debug, Clone, Copy)]
pub struct EventRange {
    /// The direction to read in.
    pub scan: Scan,
    /// The position to start from, exclusive.
    pub from: Option<i64>,
    /// The maximum number of events.
    pub limit: usize,
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
        event.subject.into(),
        event.data.to_string().into(),
        event.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// The outcome of placing one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The number of events placed.
    pub count: usize,
    /// Whether the batch was full: more events may be waiting.
    pub full: bool,
}

/// Whether any event, in any environment, is waiting for its position.
///
/// # Errors
/// Database errors.
pub async fn is_unplaced(query: &mut impl Query) -> Result<bool> {
    Ok(query.query_opt(UNPLACED, &[]).await?.is_some())
}

/// Assigns positions to committed events of all environments that have none, at most [`BATCH`], and creates their
/// webhook deliveries. Of two concurrent callers, one waits for the other.
///
/// A timestamp from a node with a wrong clock that is further than [`LATE`] in the future counts as exactly that far,
/// because the latest timestamp is also used to find other events.
///
/// # Errors
/// Database errors.
pub async fn place(tx: &mut Tx, tries: i64, now: Timestamp) -> Result<Placed> {
    let Some(counter) = tx.query_opt(LOCK, &[]).await? else {
        return Err(crate::Error::Corrupt("the counter of events is missing".to_owned()));
    };
    // A separate statement, after the lock is held: it sees everything that the previous holder placed.
    let (mut position, mut latest_at) = (counter.int(0)?, counter.int(1)?);
    let before = position;
    let batch = match webhook_delivery::most_enabled(tx).await? {
        0 => BATCH,
        endpoints => (DELIVERIES / endpoints).clamp(10, BATCH),
    };
    let most = i64::try_from(batch).unwrap_or(i64::MAX);
    let bound = now.plus_secs(LATE);
    let placed = tx.query(PLACE, &[position.into(), latest_at.into(), most.into(), bound.into()]).await?;
    let done = Placed { count: placed.len(), full: placed.len() == batch };
    if placed.is_empty() {
        return Ok(done);
    }
    for row in &placed {
        (position, latest_at) = (position.max(row.int(0)?), latest_at.max(row.int(1)?));
    }
    tx.execute(PLACED, &[position.into(), latest_at.into()]).await?;
    let mut environments = placed.iter().map(|row| row.parse(2)).collect::<Result<Vec<EnvironmentId>>>()?;
    environments.sort_unstable();
    environments.dedup();
    webhook_delivery::fan_out(tx, &environments, (before, position), tries).await?;
    Ok(done)
}

/// Returns an event's position; `None` if there is no such event, or it has no position yet.
///
/// # Errors
/// Database errors.
pub async fn position(query: &mut impl Query, environment_id: EnvironmentId, id: EventId) -> Result<Option<i64>> {
    match query.query_opt(POSITION, &[environment_id.into(), id.into()]).await? {
        Some(row) => row.opt_int(0),
        None => Ok(None),
    }
}

/// Returns an event, if it has a position.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: EventId) -> Result<Option<Event>> {
    let row = query.query_opt(FIND, &[environment_id.into(), id.into()]).await?;
    Ok(row.as_ref().map(read_event).transpose()?.map(|(_, event)| event))
}

/// Returns the position of the newest event of all environments.
///
/// # Errors
/// Database errors.
pub async fn head(query: &mut impl Query) -> Result<i64> {
    match query.query_opt(HEAD, &[]).await? {
        Some(row) => row.int(0),
        None => Err(crate::Error::Corrupt("the counter of events is missing".to_owned())),
    }
}

/// Whether there is an event about an object of an organization, which may itself be gone.
///
/// # Errors
/// Database errors.
pub async fn is_of_organization(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    Ok(query.query_opt(OF_ORGANIZATION, &[environment_id.into(), organization_id.into()]).await?.is_some())
}

/// Lists events that have a position, ordered by position.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    filter: &Filter,
    stretch: EventRange,
) -> Result<Vec<Event>> {
    // Nothing beyond the current head, so that several statements together read what a single one would.
    let head = head(query).await?;
    let (mut above, mut below) = (0, head.saturating_add(1));
    match (stretch.scan, stretch.from) {
        (Scan::Ascending, Some(from)) => above = from,
        (Scan::Descending, Some(from)) => below = below.min(from),
        (_, None) => {}
    }
    if let Some(start) = filter.start {
        match from_moment(query, environment_id, start).await? {
            Some(first) => above = above.max(first - 1),
            None => return Ok(Vec::new()),
        }
    }
    if let Some(end) = filter.end
        && let Some(first) = from_moment(query, environment_id, end.plus_secs(2 * LATE)).await?
    {
        below = below.min(first);
    }
    let span = Span { environment_id, filter, scan: stretch.scan, limit: stretch.limit };
    let mut found: Vec<(i64, Event)> = Vec::new();
    if filter.names.is_empty() {
        found = span.read(query, None, (above, below)).await?;
    }
    for name in &filter.names {
        found.extend(span.read(query, Some(name), (above, below)).await?);
        match stretch.scan {
            Scan::Ascending => found.sort_unstable_by_key(|(position, _)| *position),
            Scan::Descending => found.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position)),
        }
        found.truncate(stretch.limit);
        // Beyond a full page, nothing needs to be read for the next name.
        if found.len() == stretch.limit
            && let Some((last, _)) = found.last()
        {
            match stretch.scan {
                Scan::Ascending => below = *last,
                Scan::Descending => above = *last,
            }
        }
    }
    Ok(found.into_iter().map(|(_, event)| event).collect())
}

/// Returns the first position whose event may be from `moment` or later: every event before it is earlier.
async fn from_moment(query: &mut impl Query, environment_id: EnvironmentId, moment: Timestamp) -> Result<Option<i64>> {
    match query.query_opt(FROM_MOMENT, &[environment_id.into(), moment.into()]).await? {
        Some(row) => row.opt_int(0),
        None => Ok(None),
    }
}

/// What one statement reads, apart from the bounds.
struct Span<'a> {
    environment_id: EnvironmentId,
    filter: &'a Filter,
    scan: Scan,
    limit: usize,
}

impl Span<'_> {
    async fn read(
        &self,
        query: &mut impl Query,
        name: Option<&str>,
        (above, below): (i64, i64),
    ) -> Result<Vec<(i64, Event)>> {
        let mut params: Vec<Value<'_>> = vec![
            self.environment_id.into(),
            above.into(),
            below.into(),
            self.filter.start.map_or(i64::MIN, Timestamp::as_millis).into(),
            self.filter.end.map_or(i64::MAX, Timestamp::as_millis).into(),
            i64::try_from(self.limit).unwrap_or(i64::MAX).into(),
        ];
        if let Some(name) = name {
            params.push(name.into());
        }
        if let Some(id) = self.filter.organization_id {
            params.push(id.into());
        }
        let rows = query.query(self.statement(name.is_some()), &params).await?;
        rows.iter().map(read_event).collect()
    }

    fn statement(&self, named: bool) -> Sql {
        match (self.scan, named, self.filter.organization_id.is_some()) {
            (Scan::Descending, false, false) => OLDER,
            (Scan::Descending, false, true) => OLDER_IN_ORGANIZATION,
            (Scan::Descending, true, false) => OLDER_NAMED,
            (Scan::Descending, true, true) => OLDER_NAMED_IN_ORGANIZATION,
            (Scan::Ascending, false, false) => NEWER,
            (Scan::Ascending, false, true) => NEWER_IN_ORGANIZATION,
            (Scan::Ascending, true, false) => NEWER_NAMED,
            (Scan::Ascending, true, true) => NEWER_NAMED_IN_ORGANIZATION,
        }
    }
}

fn read_event(row: &Row) -> Result<(i64, Event)> {
    let event =
        Event { id: row.parse(1)?, event: row.text(2)?.to_owned(), data: row.json(3)?, created_at: row.timestamp(4)? };
    Ok((row.int(0)?, event))
}

/// Deletes at most a thousand events from before the given time.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
