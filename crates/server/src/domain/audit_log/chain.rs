//! The hash chain of an environment's audit log: extended after commits, shortened as retention expires, and walked to
//! detect tampering. Every change to it locks its head; a mismatch is never sealed over.

use crate::domain::Failure;
use countersign_protocol::audit::chain::{Break, ChainKey, Ends, Fault, Stored, Walk, link};
use countersign_protocol::audit::retention::KEPT_DAYS;
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::{Error, Query, Store, Tx, audit_log_event, audit_log_retention};

/// Places read at a time.
const STEP: usize = 1000;
/// Attempts to walk the chain when it is shortened in the meantime.
const TRIES: usize = 5;

fn broken(fault: Break) -> Failure {
    Failure::internal(format!("the audit log is broken at {fault}; see 'countersign audit verify'"))
}

/// Assigns places in the chain to the events of an environment committed so far. Any number of nodes may do so at once.
///
/// # Errors
/// Database errors; an internal error if the recorded end of the chain was tampered with, which is never sealed over.
pub async fn place(store: &Store, key: &ChainKey, environment_id: EnvironmentId) -> Result<(), Failure> {
    // Usually there is nothing to do, and a query is cheaper than a transaction.
    while audit_log_event::is_waiting(&mut store.reader().await?, environment_id).await? {
        let key = key.clone();
        let placed = store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { place_some(tx, &key, environment_id).await }))
            .await?;
        if placed < audit_log_event::BATCH {
            break;
        }
    }
    Ok(())
}

/// The same for readers: events that have a place can be read, whatever is wrong with the chain.
///
/// # Errors
/// Database errors.
pub async fn place_if_whole(store: &Store, key: &ChainKey, environment_id: EnvironmentId) -> Result<(), Failure> {
    match place(store, key, environment_id).await {
        Err(Failure::Internal(why)) => {
            tracing::error!(%environment_id, why, "what was told last is not in the audit log yet");
            Ok(())
        }
        placed => placed,
    }
}

/// Locks the head and checks its seal.
async fn lock(tx: &mut Tx, key: &ChainKey, environment_id: EnvironmentId) -> Result<Ends, Failure> {
    let found = match audit_log_event::lock_head(tx, environment_id).await? {
        Some(found) => Some(found),
        // Each statement sees its own snapshot: another node may have begun the chain between the two.
        None if audit_log_event::is_linked(tx, environment_id).await? => {
            audit_log_event::lock_head(tx, environment_id).await?
        }
        None => {
            let seal = key.ends(environment_id, &Ends::EMPTY);
            audit_log_event::begin(tx, environment_id, &Ends::EMPTY, &seal).await?;
            audit_log_event::lock_head(tx, environment_id).await?
        }
    };
    match found {
        Some((ends, seal)) if key.ends(environment_id, &ends).matches(&seal) => Ok(ends),
        found => Err(broken(Break { sequence: found.map_or(0, |(ends, _)| ends.sequence), fault: Fault::Ends })),
    }
}

/// Returns the head, if there is one, or a break if rows are linked without one.
async fn head(
    query: &mut impl Query,
    environment_id: EnvironmentId,
) -> Result<Result<Option<(Ends, Digest)>, Break>, Failure> {
    // The second try is for a chain that another node has begun between the two statements.
    for _ in 0..2 {
        if let Some(found) = audit_log_event::head(query, environment_id).await? {
            return Ok(Ok(Some(found)));
        }
        if !audit_log_event::is_linked(query, environment_id).await? {
            return Ok(Ok(None));
        }
    }
    Ok(Err(Break { sequence: 0, fault: Fault::Ends }))
}

async fn seal(tx: &mut Tx, key: &ChainKey, environment_id: EnvironmentId, ends: &Ends) -> Result<(), Failure> {
    Ok(audit_log_event::set_head(tx, environment_id, ends, &key.ends(environment_id, ends)).await?)
}

async fn place_some(tx: &mut Tx, key: &ChainKey, environment_id: EnvironmentId) -> Result<usize, Failure> {
    let mut ends = lock(tx, key, environment_id).await?;
    // A separate statement, after taking the lock: it sees everything that the previous lock holder has placed.
    let waiting = audit_log_event::unchained(tx, environment_id).await?;
    let (first, mut links) = (ends.sequence + 1, Vec::with_capacity(waiting.len()));
    for (id, content, written) in &waiting {
        if !key.written(environment_id, *id, content).matches(written) {
            tracing::error!(%environment_id, %id, "a row of the audit log was not written by this server; it gets no place");
            audit_log_event::refuse(tx, environment_id, *id).await?;
            continue;
        }
        ends.sequence += 1;
        ends.hash = link(environment_id, ends.sequence, &ends.hash, content);
        links.push((*id, ends.hash));
    }
    audit_log_event::place(tx, environment_id, first, &links).await?;
    if !waiting.is_empty() {
        seal(tx, key, environment_id, &ends).await?;
    }
    Ok(waiting.len())
}

/// The state of a chain, as far as it can be seen without walking it.
#[derive(Debug, Clone)]
pub struct ChainState {
    /// Where it begins and ends.
    pub ends: Ends,
    /// When its last event was recorded; `None` if that is pruned.
    pub last: Option<Timestamp>,
    /// Whether linking has stopped because the head is not as this server left it.
    pub stopped: bool,
}

/// Returns the state of an environment's chain, once the events recorded so far are linked.
///
/// # Errors
/// Database errors.
pub async fn standing(store: &Store, key: &ChainKey, environment_id: EnvironmentId) -> Result<ChainState, Failure> {
    place_if_whole(store, key, environment_id).await?;
    let mut reader = store.reader().await?;
    let head = head(&mut reader, environment_id).await?;
    let sealed = match &head {
        Ok(Some((ends, seal))) => key.ends(environment_id, ends).matches(seal),
        Ok(None) => true,
        Err(_) => false,
    };
    let ends = head.ok().flatten().map_or(Ends::EMPTY, |(ends, _)| ends);
    let place = (ends.sequence.saturating_sub(1), ends.sequence);
    let end = audit_log_event::page(&mut reader, environment_id, place, 1).await?;
    let last = end.first().and_then(|stored| stored.record.as_ref()).map(|record| record.recorded_at);
    Ok(ChainState { ends, last, stopped: !sealed })
}

/// The result of walking a chain.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where the chain begins and ends, as far as the walk got.
    pub ends: Ends,
    /// The number of intact records.
    pub whole: u64,
    /// The number of pruned records whose links remain.
    pub pruned: u64,
    /// The first fault.
    pub broken: Option<Break>,
}

/// Walks the chain of an environment, while servers continue to write.
///
/// # Errors
/// Database errors.
pub async fn verify(store: &Store, key: &ChainKey, environment_id: EnvironmentId) -> Result<Report, Failure> {
    let mut reader = store.reader().await?;
    let mut report = walk(&mut reader, key, environment_id).await?;
    for _ in 1..TRIES {
        if report.broken.is_none() {
            break;
        }
        // Retention may have shortened the chain in the meantime, so that it now begins elsewhere.
        let now = audit_log_event::head(&mut reader, environment_id).await?;
        if now.is_none_or(|(ends, _)| ends.pruned_through == report.ends.pruned_through) {
            break;
        }
        report = walk(&mut reader, key, environment_id).await?;
    }
    Ok(report)
}

async fn walk(query: &mut impl Query, key: &ChainKey, environment_id: EnvironmentId) -> Result<Report, Failure> {
    let mut report = Report { ends: Ends::EMPTY, whole: 0, pruned: 0, broken: None };
    let (ends, seal) = match head(query, environment_id).await? {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(report),
        Err(fault) => return Ok(Report { broken: Some(fault), ..report }),
    };
    report.ends = ends;
    if let Err(fault) = follow(query, key, environment_id, (ends, &seal), &mut report).await? {
        report.broken = Some(fault);
    } else if let Some(sequence) = outside(query, environment_id, ends).await? {
        report.broken = Some(Break { sequence, fault: Fault::Outside });
    }
    Ok(report)
}

async fn follow(
    query: &mut impl Query,
    key: &ChainKey,
    environment_id: EnvironmentId,
    (ends, seal): (Ends, &Digest),
    report: &mut Report,
) -> Result<Result<(), Break>, Failure> {
    let mut walk = match Walk::begin(key, environment_id, ends, seal) {
        Ok(walk) => walk,
        Err(fault) => return Ok(Err(fault)),
    };
    loop {
        let reached = walk.reached().0;
        let Some(places) = read(query, environment_id, (reached, ends.sequence)).await? else {
            return Ok(Err(Break { sequence: reached + 1, fault: Fault::Changed }));
        };
        if places.is_empty() {
            return Ok(walk.finish().map(drop));
        }
        for place in places {
            if let Err(fault) = walk.step(&place) {
                return Ok(Err(fault));
            }
            match place.record {
                Some(_) => report.whole += 1,
                None => report.pruned += 1,
            }
        }
    }
}

/// Reads the next places; `None` if this program cannot have written the next one.
async fn read(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    span: (i64, i64),
) -> Result<Option<Vec<Stored>>, Failure> {
    match audit_log_event::page(query, environment_id, span, STEP).await {
        Ok(places) => Ok(Some(places)),
        // Reading one by one leads to the corrupt place.
        Err(Error::Corrupt(_)) => match audit_log_event::page(query, environment_id, span, 1).await {
            Ok(places) => Ok(Some(places)),
            Err(Error::Corrupt(_)) => Ok(None),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Returns a place outside the chain at which a row exists.
async fn outside(query: &mut impl Query, environment_id: EnvironmentId, ends: Ends) -> Result<Option<i64>, Failure> {
    if let Some(before) = audit_log_event::before(query, environment_id, ends.pruned_through).await? {
        return Ok(Some(before));
    }
    let beyond = audit_log_event::beyond(query, environment_id, ends.sequence).await?;
    // Servers continue to write: what was beyond the end a moment ago may be within the chain now.
    match (beyond, audit_log_event::head(query, environment_id).await?) {
        (Some(beyond), Some((now, _))) if beyond <= now.sequence => Ok(None),
        (beyond, _) => Ok(beyond),
    }
}

/// Deletes events whose retention has expired: first their contents, then the links before the first remaining content.
///
/// # Errors
/// Database errors; an internal error if something was tampered with, which is not deleted.
pub async fn prune(
    store: &Store,
    key: &ChainKey,
    environment_id: EnvironmentId,
    now: Timestamp,
) -> Result<(), Failure> {
    let due = audit_log_retention::due(&mut store.reader().await?, environment_id, KEPT_DAYS, now).await?;
    let mut sweeps: Vec<(Option<OrganizationId>, i64)> = vec![(None, KEPT_DAYS)];
    sweeps.extend(due.into_iter().map(|(id, days)| (Some(id), days)));
    let mut pruned = 0;
    for (organization_id, days) in sweeps {
        let before = now.plus_secs(-days * 86_400);
        let asked = (organization_id, now);
        // Usually there is nothing to do, and a query is cheaper than a transaction.
        let mut reader = store.reader().await?;
        if audit_log_event::old(&mut reader, environment_id, organization_id, before, 1).await?.is_empty() {
            continue;
        }
        drop(reader);
        loop {
            let key = key.clone();
            let cleared = store.write::<_, Failure, _>(move |tx| {
                Box::pin(async move { clear_some(tx, &key, environment_id, asked).await })
            });
            let cleared = cleared.await?;
            pruned += cleared;
            if cleared < STEP {
                break;
            }
        }
    }
    let forgotten = audit_log_retention::left_behind(&mut store.reader().await?, environment_id).await?;
    if !forgotten.is_empty() {
        let forget = store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                for organization_id in forgotten {
                    audit_log_retention::forget(tx, environment_id, organization_id).await?;
                }
                Ok(())
            })
        });
        forget.await?;
    }
    // Links that earlier runs left in place can be dropped only if something before them was pruned now.
    if pruned == 0 {
        return Ok(());
    }
    loop {
        let key = key.clone();
        let dropped = store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { shorten(tx, &key, environment_id).await }))
            .await?;
        if dropped < STEP {
            return Ok(());
        }
    }
}

async fn clear_some(
    tx: &mut Tx,
    key: &ChainKey,
    environment_id: EnvironmentId,
    (organization_id, now): (Option<OrganizationId>, Timestamp),
) -> Result<usize, Failure> {
    // Read at every step, under the lock: events under a retention that was just extended are no longer deleted.
    audit_log_event::lock_head(tx, environment_id).await?;
    let days = match organization_id {
        Some(id) => audit_log_retention::find(tx, environment_id, id).await?.unwrap_or(KEPT_DAYS),
        None => KEPT_DAYS,
    };
    let before = now.plus_secs(-days * 86_400);
    let old = audit_log_event::old(tx, environment_id, organization_id, before, STEP).await?;
    for place in &old {
        // A tampered record is evidence, and stays.
        let untouched = place.record.as_ref().is_some_and(|record| {
            record.hash(environment_id) == place.content_hash
                && key.written(environment_id, place.id, &place.content_hash).matches(&place.seal)
        });
        if !untouched {
            return Err(broken(Break { sequence: place.sequence, fault: Fault::Changed }));
        }
        let seal = key.pruned(environment_id, place.sequence, &place.hash);
        audit_log_event::clear(tx, environment_id, place.sequence, &seal).await?;
    }
    Ok(old.len())
}

/// Drops the links at the beginning whose content is pruned; returns how many.
async fn shorten(tx: &mut Tx, key: &ChainKey, environment_id: EnvironmentId) -> Result<usize, Failure> {
    let mut ends = lock(tx, key, environment_id).await?;
    let places = audit_log_event::page(tx, environment_id, (ends.pruned_through, ends.sequence), STEP).await?;
    let gone: Vec<Stored> = places.into_iter().take_while(|place| place.record.is_none()).collect();
    let mut walk = Walk::begin(key, environment_id, ends, &key.ends(environment_id, &ends)).map_err(broken)?;
    for place in &gone {
        walk.step(place).map_err(broken)?;
    }
    if !gone.is_empty() {
        (ends.pruned_through, ends.pruned_hash) = walk.reached();
        audit_log_event::drop_through(tx, environment_id, ends.pruned_through).await?;
        seal(tx, key, environment_id, &ends).await?;
    }
    Ok(gone.len())
}
