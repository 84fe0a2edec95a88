//! The ordered log of events. A change appends its events in its own transaction; a *placer* gives those that were
//! committed their positions afterwards, and readers read by position only.
//!
//! Neither identifiers nor insertions are in the order of commits: whoever read the newest would miss what a transaction
//! that began earlier commits later. Positions are given by one transaction at a time, which holds the counter's row until
//! its commit: so a position becomes visible only after every smaller one, and the order never changes behind a reader.
//! Events about one object keep the order of the locks that their transactions held, which is the order of insertion.

use crate::sql::{Query, Row, Sql, Value, statements};
use crate::{Result, Tx, webhook_delivery};
use countersign_protocol::id::{EnvironmentId, EventId, OrganizationId};
use countersign_protocol::management::events::{Event, Filter};
use countersign_protocol::management::page::Scan;
use countersign_protocol::time::Timestamp;

/// How many events are placed at a time, at most.
pub const BATCH: usize = 1000;
/// How many deliveries are made at a time, at most: where many endpoints want each event, fewer events are placed.
const DELIVERIES: usize = 10_000;

/// An event is committed within this time after the moment that it tells, give or take what clocks of nodes differ by.
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
    // The moments of events are not in the order of positions, but the latest moment so far is.
    FROM_MOMENT = "SELECT position FROM event WHERE environment_id = $1 AND latest_at >= $2 AND position IS NOT NULL ",
        "ORDER BY latest_at, position LIMIT 1";
    OF_ORGANIZATION = "SELECT 1 FROM event WHERE environment_id || '' = $1 AND organization_id = $2 AND position > 0 LIMIT 1";
    // The plus keeps SQLite from reading by the moment, and sorting. The two bounds are written differently: of a range PostgreSQL
    // guesses that it leaves few rows, and would rather sort them all than read a page in order (a hundred times slower).
    OLDER = "SELECT position, id, event, data, created_at FROM event WHERE environment_id = $1 AND position > $2 AND position < $3 ",
        "AND +created_at >= $4 AND created_at + 0 < $5 ORDER BY position DESC LIMIT $6";
    NEWER = "SELECT position, id, event, data, created_at FROM event WHERE environment_id = $1 AND position > $2 AND position < $3 ",
        "AND +created_at >= $4 AND created_at + 0 < $5 ORDER BY position LIMIT $6";
    // Of an organization, SQLite would rather read all positions of the environment and leave out what is about others: so the
    // environment is asked about in a way that no index answers. An organization is of one environment.
    OLDER_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND organization_id = $7 ORDER BY position DESC LIMIT $6";
    NEWER_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND organization_id = $7 ORDER BY position LIMIT $6";
    // Of a name, too, SQLite would rather read all positions and leave out what has another.
    OLDER_NAMED = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_event*/ WHERE environment_id = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 ORDER BY position DESC LIMIT $6";
    NEWER_NAMED = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_event*/ WHERE environment_id = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 ORDER BY position LIMIT $6";
    OLDER_NAMED_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_organization_id_event*/ WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 AND organization_id = $8 ORDER BY position DESC LIMIT $6";
    NEWER_NAMED_IN_ORGANIZATION = "SELECT position, id, event, data, created_at FROM event /*INDEXED BY event_organization_id_event*/ WHERE environment_id || '' = $1 AND position > $2 ",
        "AND position < $3 AND +created_at >= $4 AND created_at + 0 < $5 AND event = $7 AND organization_id = $8 ORDER BY position LIMIT $6";
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
    /// What it is about: webhooks tell of one such thing in order.
    pub subject: &'a str,
    /// The object, as the API shows it, without secrets.
    pub data: &'a serde_json::Value,
    /// When it happened.
    pub created_at: Timestamp,
}

/// What to read: up to `limit` events in the direction of `scan`, beyond `from` when it is given.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Which way to read.
    pub scan: Scan,
    /// The position where to begin, exclusive.
    pub from: Option<i64>,
    /// How many.
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

/// What was given positions at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// How many events.
    pub count: usize,
    /// Whether that was as many as are placed at a time: more may wait.
    pub full: bool,
}

/// Whether an event of any environment waits for its position.
///
/// # Errors
/// Database errors.
pub async fn is_unplaced(query: &mut impl Query) -> Result<bool> {
    Ok(query.query_opt(UNPLACED, &[]).await?.is_some())
}

/// Gives the events of all environments that were committed and have none their positions, [`BATCH`] at most, and makes the
/// deliveries of webhooks for them. Of two who do it at once, one waits for the other.
///
/// What a node with a wrong clock says to be of a future beyond [`LATE`] counts as of that: by the latest moment others are found, too.
///
/// # Errors
/// Database errors.
pub async fn place(tx: &mut Tx, tries: i64, now: Timestamp) -> Result<Placed> {
    let Some(counter) = tx.query_opt(LOCK, &[]).await? else {
        return Err(crate::Error::Corrupt("the counter of events is missing".to_owned()));
    };
    // A statement of its own, after the lock was had: it sees all that whoever had it before has placed.
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

/// The position of an event; `None` when there is no such event, or it has none yet.
///
/// # Errors
/// Database errors.
pub async fn position(query: &mut impl Query, environment_id: EnvironmentId, id: EventId) -> Result<Option<i64>> {
    match query.query_opt(POSITION, &[environment_id.into(), id.into()]).await? {
        Some(row) => row.opt_int(0),
        None => Ok(None),
    }
}

/// An event that has a position.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: EventId) -> Result<Option<Event>> {
    let row = query.query_opt(FIND, &[environment_id.into(), id.into()]).await?;
    Ok(row.as_ref().map(read_event).transpose()?.map(|(_, event)| event))
}

/// The position of the newest event of all environments.
///
/// # Errors
/// Database errors.
pub async fn head(query: &mut impl Query) -> Result<i64> {
    match query.query_opt(HEAD, &[]).await? {
        Some(row) => row.int(0),
        None => Err(crate::Error::Corrupt("the counter of events is missing".to_owned())),
    }
}

/// Whether there is an event about an object of an organization, which may be gone by now.
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

/// Events that have a position, in the order of positions.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    filter: &Filter,
    stretch: Stretch,
) -> Result<Vec<Event>> {
    // Nothing beyond the head of now: what several statements read is then the same as if one had.
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
        // What lies beyond a full page need not be read for the next name.
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

/// The position before which every event tells a moment before this one.
async fn from_moment(query: &mut impl Query, environment_id: EnvironmentId, moment: Timestamp) -> Result<Option<i64>> {
    match query.query_opt(FROM_MOMENT, &[environment_id.into(), moment.into()]).await? {
        Some(row) => row.opt_int(0),
        None => Ok(None),
    }
}

/// What one statement reads besides the bounds.
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

/// Forgets events from before a moment, a thousand at most.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
