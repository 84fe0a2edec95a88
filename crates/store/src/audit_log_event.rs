//! The audit log: events as written, and the hash chain that links them once they are committed. Callers decide what is
//! linked to what, and what is a forgery (`countersign_protocol::audit::chain`).

use crate::sql::{Query, Row, statements};
use crate::{Error, Result, Tx};
use countersign_protocol::audit::chain::{Ends, Hash, Kind, Record, Stored};
use countersign_protocol::id::{AuditEventId, EnvironmentId, OrganizationId};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

/// Maximum number of events linked per transaction.
pub const BATCH: usize = 1000;
/// Maximum number of events linked per statement.
pub const AT_ONCE: usize = 250;

statements! {
    INSERT = "INSERT INTO audit_log_event (environment_id, id, kind, organization_id, occurred_at, recorded_at, content, content_hash, seal) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    IS_WAITING = "SELECT 1 FROM audit_log_event WHERE environment_id = $1 AND sequence IS NULL LIMIT 1";
    LOCK = "UPDATE audit_log_head SET sequence = sequence WHERE environment_id = $1 ",
        "RETURNING sequence, hash, pruned_through, pruned_hash, seal";
    BEGIN = "INSERT INTO audit_log_head (environment_id, sequence, hash, pruned_through, pruned_hash, seal) ",
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (environment_id) DO NOTHING";
    SET_HEAD = "UPDATE audit_log_head SET sequence = $2, hash = $3, pruned_through = $4, pruned_hash = $5, seal = $6 WHERE environment_id = $1";
    HEAD = "SELECT sequence, hash, pruned_through, pruned_hash, seal FROM audit_log_head WHERE environment_id = $1";
    IS_LINKED = "SELECT 1 FROM audit_log_event WHERE environment_id = $1 AND sequence > 0 LIMIT 1";
    UNCHAINED = "SELECT id, content_hash, seal FROM audit_log_event WHERE environment_id = $1 AND sequence IS NULL ORDER BY rowid LIMIT $2";
    // Links many events with one statement, on either engine: IDs and hashes are concatenated, all of the same length.
    // PostgreSQL takes the type of $4, which is never null, from the column beside it.
    LINK = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $5) ",
        "UPDATE audit_log_event SET sequence = CAST($3 AS BIGINT) + n.i, hash = substr(COALESCE($4, content_hash), n.i * 32 + 1, 32) ",
        "FROM n WHERE environment_id = $1 AND id = substr($2, n.i * 42 + 1, 42) AND +sequence IS NULL";
    REFUSE = "UPDATE audit_log_event SET sequence = 0 WHERE environment_id = $1 AND id = $2 AND sequence IS NULL";
    PAGE = "SELECT sequence, id, content_hash, hash, seal, kind, organization_id, occurred_at, recorded_at, content FROM audit_log_event ",
        "WHERE environment_id = $1 AND sequence > $2 AND sequence > 0 AND sequence <= $3 ORDER BY sequence LIMIT $4";
    BEFORE = "SELECT sequence FROM audit_log_event WHERE environment_id = $1 AND sequence <= $2 ORDER BY sequence LIMIT 1";
    BEYOND = "SELECT sequence FROM audit_log_event WHERE environment_id = $1 AND sequence > $2 ORDER BY sequence LIMIT 1";
    OLD = "SELECT sequence, id, content_hash, hash, seal, kind, organization_id, occurred_at, recorded_at, content FROM audit_log_event ",
        "WHERE environment_id = $1 AND recorded_at < $2 AND kind = 'administrative' AND +sequence > 0 ORDER BY recorded_at LIMIT $3";
    OLD_OF_ORGANIZATION = "SELECT sequence, id, content_hash, hash, seal, kind, organization_id, occurred_at, recorded_at, content FROM audit_log_event ",
        "WHERE environment_id = $1 AND organization_id = $2 AND recorded_at < $3 AND kind = 'organization' AND +sequence > 0 ORDER BY recorded_at LIMIT $4";
    CLEAR = "UPDATE audit_log_event SET kind = 'pruned', organization_id = NULL, occurred_at = 0, recorded_at = 0, content = NULL, seal = $3 ",
        "WHERE environment_id = $1 AND sequence = $2 AND sequence > 0 AND content IS NOT NULL";
    DROP = "DELETE FROM audit_log_event WHERE environment_id = $1 AND sequence > 0 AND sequence <= $2";
    OF_ORGANIZATION = "SELECT id, content, occurred_at FROM audit_log_event WHERE environment_id = $1 AND organization_id = $2 ",
        "AND (occurred_at, id) > ($3, $4) AND occurred_at <= $5 AND kind = 'organization' AND +sequence > 0 AND +sequence <= $6 ",
        "ORDER BY occurred_at, id LIMIT $7";
    IS_OF_ORGANIZATION = "SELECT 1 FROM audit_log_event WHERE environment_id = $1 AND organization_id = $2 AND kind = 'organization' LIMIT 1";
    COMING = "SELECT sequence, id, content, recorded_at FROM audit_log_event WHERE environment_id = $1 AND organization_id = $2 AND sequence > $3 ",
        "AND kind = 'organization' ORDER BY sequence LIMIT $4";
    ADMINISTRATIVE = "SELECT sequence, id, content, organization_id FROM audit_log_event WHERE environment_id = $1 AND sequence < $2 ",
        "AND sequence > 0 AND kind = 'administrative' ORDER BY sequence DESC LIMIT $3";
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Inserts an event, without a place in the chain.
///
/// # Errors
/// Database errors.
pub async fn append(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    record: &Record,
    hash: &Hash,
    seal: &Digest,
) -> Result<()> {
    let params = [
        environment_id.into(),
        record.id.into(),
        record.kind.as_str().into(),
        record.organization_id.into(),
        record.occurred_at.into(),
        record.recorded_at.into(),
        (&record.content).into(),
        hash.into(),
        seal.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Whether any event of an environment is waiting for its place.
///
/// # Errors
/// Database errors.
pub async fn is_waiting(query: &mut impl Query, environment_id: EnvironmentId) -> Result<bool> {
    Ok(query.query_opt(IS_WAITING, &[environment_id.into()]).await?.is_some())
}

fn read_head(row: &Row) -> Result<(Ends, Digest)> {
    let ends =
        Ends { sequence: row.int(0)?, hash: row.hash(1)?, pruned_through: row.int(2)?, pruned_hash: row.hash(3)? };
    Ok((ends, row.digest(4)?))
}

/// Returns where an environment's chain begins and ends, with the seal, and locks it against changes.
///
/// # Errors
/// Database errors.
pub async fn lock_head(tx: &mut Tx, environment_id: EnvironmentId) -> Result<Option<(Ends, Digest)>> {
    tx.query_opt(LOCK, &[environment_id.into()]).await?.as_ref().map(read_head).transpose()
}

/// Like [`lock_head`], without locking.
///
/// # Errors
/// Database errors.
pub async fn head(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Option<(Ends, Digest)>> {
    query.query_opt(HEAD, &[environment_id.into()]).await?.as_ref().map(read_head).transpose()
}

/// Begins a chain, unless there is one.
///
/// # Errors
/// Database errors.
pub async fn begin(tx: &mut Tx, environment_id: EnvironmentId, ends: &Ends, seal: &Digest) -> Result<()> {
    write_head(tx, BEGIN, environment_id, ends, seal).await
}

/// Stores where a chain begins and ends; its head must be locked.
///
/// # Errors
/// Database errors.
pub async fn set_head(tx: &mut Tx, environment_id: EnvironmentId, ends: &Ends, seal: &Digest) -> Result<()> {
    write_head(tx, SET_HEAD, environment_id, ends, seal).await
}

async fn write_head(
    tx: &mut Tx,
    sql: crate::Sql,
    environment_id: EnvironmentId,
    ends: &Ends,
    seal: &Digest,
) -> Result<()> {
    let params = [
        environment_id.into(),
        ends.sequence.into(),
        (&ends.hash).into(),
        ends.pruned_through.into(),
        (&ends.pruned_hash).into(),
        seal.into(),
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// Whether any event of an environment has a place.
///
/// # Errors
/// Database errors.
pub async fn is_linked(query: &mut impl Query, environment_id: EnvironmentId) -> Result<bool> {
    Ok(query.query_opt(IS_LINKED, &[environment_id.into()]).await?.is_some())
}

/// Returns the events waiting for their places, in insertion order, at most [`BATCH`]: ID, hash, seal.
///
/// # Errors
/// Database errors.
pub async fn unchained(tx: &mut Tx, environment_id: EnvironmentId) -> Result<Vec<(AuditEventId, Hash, Digest)>> {
    let rows = tx.query(UNCHAINED, &[environment_id.into(), limit(BATCH).into()]).await?;
    rows.iter().map(|row| Ok((row.parse(0)?, row.hash(1)?, row.digest(2)?))).collect()
}

/// Gives events consecutive places, starting at `first`, with their links.
///
/// # Errors
/// `Unique` if another event has one of these places; `Corrupt` if one of the events is not waiting for a place.
pub async fn place(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    first: i64,
    links: &[(AuditEventId, Hash)],
) -> Result<()> {
    let mut sequence = first;
    for some in links.chunks(AT_ONCE) {
        let ids: String = some.iter().map(|(id, _)| id.to_string()).collect();
        let hashes: Vec<u8> = some.iter().flat_map(|(_, hash)| *hash.as_bytes()).collect();
        let count = limit(some.len());
        let params = [environment_id.into(), ids.into(), sequence.into(), hashes.as_slice().into(), count.into()];
        // The caller has read these events after taking the lock: if one is not there, something is wrong.
        if tx.execute(LINK, &params).await? != some.len() as u64 {
            return Err(Error::Corrupt("an event that was to be linked is not as it was read".to_owned()));
        }
        sequence += count;
    }
    Ok(())
}

/// Marks a row as refused, without a place in the chain: this server did not write it.
///
/// # Errors
/// Database errors.
pub async fn refuse(tx: &mut Tx, environment_id: EnvironmentId, id: AuditEventId) -> Result<()> {
    tx.execute(REFUSE, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Stored> {
    let id: AuditEventId = row.parse(1)?;
    let record = match row.opt_text(9)? {
        None => None,
        Some(content) => Some(Record {
            id,
            kind: row.word(5, Kind::parse)?,
            organization_id: row.opt_parse(6)?,
            occurred_at: row.timestamp(7)?,
            recorded_at: row.timestamp(8)?,
            content: content.to_owned(),
        }),
    };
    Ok(Stored {
        sequence: row.int(0)?,
        id,
        record,
        content_hash: row.hash(2)?,
        hash: row.hash(3)?,
        seal: row.digest(4)?,
    })
}

/// Returns a chain's places after the first bound and up to the second, in order.
///
/// # Errors
/// Database errors; `Corrupt` for a row that this program cannot have written.
pub async fn page(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    (after, through): (i64, i64),
    rows: usize,
) -> Result<Vec<Stored>> {
    let params = [environment_id.into(), after.into(), through.into(), limit(rows).into()];
    query.query(PAGE, &params).await?.iter().map(read).collect()
}

/// Returns the lowest place at or before the given one, where no rows should be left: any that is there is a forgery.
///
/// # Errors
/// Database errors.
pub async fn before(query: &mut impl Query, environment_id: EnvironmentId, sequence: i64) -> Result<Option<i64>> {
    query.query_opt(BEFORE, &[environment_id.into(), sequence.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Returns the first place beyond the given one.
///
/// # Errors
/// Database errors.
pub async fn beyond(query: &mut impl Query, environment_id: EnvironmentId, sequence: i64) -> Result<Option<i64>> {
    query.query_opt(BEYOND, &[environment_id.into(), sequence.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Returns events recorded before the given time whose content is still there: an organization's, or the administrative
/// ones.
///
/// # Errors
/// Database errors.
pub async fn old(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: Option<OrganizationId>,
    before: Timestamp,
    rows: usize,
) -> Result<Vec<Stored>> {
    let found = match organization_id {
        None => query.query(OLD, &[environment_id.into(), before.into(), limit(rows).into()]).await?,
        Some(id) => {
            let params = [environment_id.into(), id.into(), before.into(), limit(rows).into()];
            query.query(OLD_OF_ORGANIZATION, &params).await?
        }
    };
    found.iter().map(read).collect()
}

/// Clears the record at a place, and keeps the place.
///
/// # Errors
/// Database errors.
pub async fn clear(tx: &mut Tx, environment_id: EnvironmentId, sequence: i64, seal: &Digest) -> Result<()> {
    tx.execute(CLEAR, &[environment_id.into(), sequence.into(), seal.into()]).await?;
    Ok(())
}

/// Deletes the places up to and including the given one; returns how many.
///
/// # Errors
/// Database errors.
pub async fn drop_through(tx: &mut Tx, environment_id: EnvironmentId, sequence: i64) -> Result<u64> {
    tx.execute(DROP, &[environment_id.into(), sequence.into()]).await
}

/// The part of an organization's log to read.
#[derive(Debug, Clone)]
pub struct EventRange {
    /// After this time and ID.
    pub after: (Timestamp, String),
    /// Up to this time.
    pub until: Timestamp,
    /// Up to this place.
    pub through: i64,
    /// The maximum number of events.
    pub limit: usize,
}

/// An organization's event, as written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its ID.
    pub id: AuditEventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The event, as JSON.
    pub content: String,
}

/// Returns an organization's events, ordered by when they happened.
///
/// # Errors
/// Database errors.
pub async fn of_organization(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    stretch: &EventRange,
) -> Result<Vec<Written>> {
    let params = [
        environment_id.into(),
        organization_id.into(),
        stretch.after.0.into(),
        (&stretch.after.1).into(),
        stretch.until.into(),
        stretch.through.into(),
        limit(stretch.limit).into(),
    ];
    let rows = query.query(OF_ORGANIZATION, &params).await?;
    let read =
        |row: &Row| Ok(Written { id: row.parse(0)?, content: row.text(1)?.to_owned(), occurred_at: row.timestamp(2)? });
    rows.iter().map(read).collect()
}

/// Whether any event about an organization, which may itself be gone, is still there.
///
/// # Errors
/// Database errors.
pub async fn is_of_organization(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    Ok(query.query_opt(IS_OF_ORGANIZATION, &[environment_id.into(), organization_id.into()]).await?.is_some())
}

/// An event with its place.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its place.
    pub sequence: i64,
    /// Its ID.
    pub id: AuditEventId,
    /// The event, as JSON.
    pub content: String,
    /// The organization it is about.
    pub organization_id: Option<OrganizationId>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// Returns an organization's events after a place, ordered by place.
///
/// # Errors
/// Database errors.
pub async fn coming(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    after: i64,
    rows: usize,
) -> Result<Vec<Placed>> {
    let params = [environment_id.into(), organization_id.into(), after.into(), limit(rows).into()];
    let rows = query.query(COMING, &params).await?;
    let read = |row: &Row| {
        Ok(Placed {
            sequence: row.int(0)?,
            id: row.parse(1)?,
            content: row.text(2)?.to_owned(),
            organization_id: Some(organization_id),
            recorded_at: row.timestamp(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Returns administrative events before a place, newest first: place, ID, content, organization.
///
/// # Errors
/// Database errors.
pub async fn administrative(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    before: i64,
    rows: usize,
) -> Result<Vec<(i64, AuditEventId, String, Option<OrganizationId>)>> {
    let rows = query.query(ADMINISTRATIVE, &[environment_id.into(), before.into(), limit(rows).into()]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.parse(1)?, row.text(2)?.to_owned(), row.opt_parse(3)?))).collect()
}
