//! The audit log: events that companies report about their organizations, and administrators' actions here. Both are
//! written in the transaction of what they report.

pub mod chain;
pub mod exports;
pub mod retention;
pub mod streams;

use crate::domain::{Act, Failure};
use countersign_protocol::audit::administrative;
use countersign_protocol::audit::chain::{Kind, Record};
use countersign_protocol::audit::event::{AuditEvent, Party};
use countersign_protocol::id::{AuditEventId, EnvironmentId, OrganizationId};
use countersign_protocol::model::Actor;
use countersign_protocol::time::Timestamp;
use countersign_store::{Query, Store, Tx, audit_log_event, organization};
use std::sync::atomic::Ordering;

/// Rows read at a time when a list is filtered.
const STEP: usize = 500;
/// The maximum number of such reads for one page.
const MAX_STEPS: usize = 20;

/// Records what an administrator has done to an object; actions of others are not part of the audit log.
///
/// # Errors
/// Database errors.
pub async fn record(
    tx: &mut Tx,
    act: &Act,
    action: &str,
    target: Party,
    organization_id: Option<OrganizationId>,
) -> Result<(), Failure> {
    if !act.actor.is_audited() {
        return Ok(());
    }
    act.told.store(true, Ordering::Relaxed);
    let event = administrative::event(&act.actor, action, target, act.now);
    append(tx, act, Kind::Administrative, organization_id, &event).await
}

/// The same for an object of the environment as a whole, by its kind and identifier.
///
/// # Errors
/// Database errors.
pub async fn note(
    tx: &mut Tx,
    act: &Act,
    action: &str,
    kind: &str,
    id: impl std::fmt::Display + Send,
) -> Result<(), Failure> {
    record(tx, act, action, administrative::target(kind, id), None).await
}

/// Records that a request has changed something, unless its changes are already recorded, so that no change goes
/// untraced.
///
/// # Errors
/// Database errors.
pub async fn ensure(tx: &mut Tx, act: &Act, request: &str) -> Result<(), Failure> {
    if act.told.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (action, organization_id) = match &*act.actor {
        Actor::Staff { .. } => ("dashboard.request", None),
        Actor::Portal { organization_id, .. } => ("portal.request", Some(*organization_id)),
        _ => ("management_api.request", None),
    };
    record(tx, act, action, administrative::target("request", request), organization_id).await
}

/// Marks an operation that turned out to change nothing, so that nothing is recorded.
pub fn mark_unchanged(act: &Act) {
    act.told.store(true, Ordering::Relaxed);
}

/// Records an event that a company reports about one of its organizations.
///
/// # Errors
/// Database errors.
pub async fn tell(tx: &mut Tx, act: &Act, organization_id: OrganizationId, event: &AuditEvent) -> Result<(), Failure> {
    // The event itself is the trace.
    act.told.store(true, Ordering::Relaxed);
    append(tx, act, Kind::Organization, Some(organization_id), event).await
}

async fn append(
    tx: &mut Tx,
    act: &Act,
    kind: Kind,
    organization_id: Option<OrganizationId>,
    event: &AuditEvent,
) -> Result<(), Failure> {
    let record = Record {
        id: act.entropy.id(act.now)?,
        kind,
        organization_id,
        occurred_at: event.occurred_at,
        recorded_at: act.now,
        content: serde_json::to_string(event).map_err(Failure::internal)?,
    };
    let hash = record.hash(act.environment_id);
    let seal = act.keyring.audit_log.written(act.environment_id, record.id, &hash);
    Ok(audit_log_event::append(tx, act.environment_id, &record, &hash, &seal).await?)
}

/// An organization that events are about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its identifier.
    pub id: OrganizationId,
    /// Its name; `None` if it was deleted and only its events remain.
    pub name: Option<String>,
}

/// Looks up the organization with this identifier, as received. It may have been deleted as long as any event about it
/// remains.
///
/// # Errors
/// 404.
pub async fn subject(query: &mut impl Query, act: &Act, id: &str) -> Result<Subject, Failure> {
    let missing = || Failure::not_found("Organization", id);
    let id = OrganizationId::parse(id).map_err(|_| missing())?;
    if let Some(found) = organization::find(query, act.environment_id, id).await? {
        return Ok(Subject { id, name: Some(found.name) });
    }
    match audit_log_event::is_of_organization(query, act.environment_id, id).await? {
        true => Ok(Subject { id, name: None }),
        false => Err(missing()),
    }
}

/// The filters of a trail listing.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// By this actor: an identifier or a name.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// With this target.
    pub target_id: Option<String>,
    /// About this organization.
    pub organization_id: Option<OrganizationId>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// From before this moment.
    pub until: Option<Timestamp>,
}

/// An administrator's action.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the log, a cursor for earlier entries.
    pub sequence: i64,
    /// Its identifier.
    pub id: AuditEventId,
    /// The organization that it is about.
    pub organization_id: Option<OrganizationId>,
    /// Who did what to what, when and from where.
    pub event: AuditEvent,
}

/// A page of the trail.
#[derive(Debug, Clone, Default)]
pub struct TrailPage {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where to continue; `None` at the end. A page with few entries may have one: reading stops before it takes too
    /// long.
    pub next: Option<i64>,
}

impl Trail {
    fn has(&self, organization_id: Option<OrganizationId>, event: &AuditEvent) -> bool {
        self.actor.as_ref().is_none_or(|actor| *actor == event.actor.id || Some(actor) == event.actor.name.as_ref())
            && self.action.as_ref().is_none_or(|action| *action == event.action)
            && self.target_id.as_ref().is_none_or(|id| event.targets.iter().any(|target| target.id == *id))
            && self.organization_id.is_none_or(|id| organization_id == Some(id))
            && self.since.is_none_or(|since| event.occurred_at >= since)
            && self.until.is_none_or(|until| event.occurred_at < until)
    }
}

/// Lists the actions of an environment's administrators, newest first, before a place in the log if one is given.
/// Actions just committed are included.
///
/// # Errors
/// Database errors.
pub async fn list(
    store: &Store,
    key: &countersign_protocol::audit::chain::ChainKey,
    environment_id: EnvironmentId,
    trail: &Trail,
    before: Option<i64>,
    limit: usize,
) -> Result<TrailPage, Failure> {
    crate::domain::audit_log::chain::place_if_whole(store, key, environment_id).await?;
    let mut reader = store.reader().await?;
    let mut page = TrailPage { entries: Vec::new(), next: Some(before.unwrap_or(i64::MAX)) };
    for _ in 0..MAX_STEPS {
        let Some(from) = page.next else { break };
        if step(&mut reader, environment_id, trail, from, limit, &mut page).await? {
            break;
        }
    }
    Ok(page)
}

/// Reads on; returns `true` when the page is full.
async fn step(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    trail: &Trail,
    from: i64,
    limit: usize,
    page: &mut TrailPage,
) -> Result<bool, Failure> {
    let rows = audit_log_event::administrative(query, environment_id, from, STEP).await?;
    let last = rows.len() < STEP;
    for (sequence, id, content, organization_id) in rows {
        let event: AuditEvent = serde_json::from_str(&content).map_err(Failure::internal)?;
        if page.entries.len() == limit {
            return Ok(true);
        }
        page.next = Some(sequence);
        if trail.has(organization_id, &event) {
            page.entries.push(Entry { sequence, id, organization_id, event });
        }
    }
    if last {
        page.next = None;
    }
    Ok(page.entries.len() == limit)
}
