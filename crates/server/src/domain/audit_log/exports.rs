//! CSV exports of an organization's audit log. A job builds them in parts, so that a large one is never in memory as a
//! whole, any node can continue where another has stopped, and any node can serve it.

use crate::app::App;
use crate::domain::audit_log::{self, chain};
use crate::domain::{Act, Failure};
use countersign_protocol::audit::administrative::target;
use countersign_protocol::audit::csv;
use countersign_protocol::audit::event::AuditEvent;
use countersign_protocol::audit::export::{AuditExport, ExportState, Wanted};
use countersign_protocol::id::{AuditExportId, EnvironmentId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::audit_log_event::{self, EventRange};
use countersign_store::audit_log_export::{self, Part};
use countersign_store::{Query, Tx, signing_key};

/// The lifetime of a download URL, in seconds.
const ADDRESS_LIFETIME: i64 = 600;
/// How long a node holds an export without a sign of life, in seconds.
pub const LEASE: i64 = 60;
/// Attempts without progress after which an export fails.
const MAX_ATTEMPTS: i64 = 5;
/// Events read at a time, and the maximum number of such reads for one part.
const STEP: usize = 100;
const MAX_STEPS: usize = 20;
/// A part ends with the event that makes it this long, in bytes: parts are in memory while they are built and served.
const PART: usize = 256 * 1024;
/// The maximum number of pending exports of an environment.
const MAX_PENDING: i64 = 10;
/// The `Retry-After` at that maximum, in seconds.
const ASK_AGAIN: u64 = 30;

/// Requests an export of what is in the log now. The organization may have been deleted.
///
/// # Errors
/// 404 if there is no organization and no event of it; 429 while too many exports are pending.
pub async fn create(tx: &mut Tx, act: &Act, organization_id: &str, wanted: Wanted) -> Result<AuditExport, Failure> {
    let organization_id = audit_log::subject(tx, act, organization_id).await?.id;
    // Serialized by the lock, so that two requests cannot act on the same count.
    signing_key::lock(tx, act.environment_id).await?;
    if audit_log_export::pending(tx, act.environment_id).await? >= MAX_PENDING {
        let message = format!("{MAX_PENDING} copies are being made already. Ask again when one of them is ready.");
        return Err(ApiError::TooMany { code: "too_many_exports", message, retry_after: ASK_AGAIN }.into());
    }
    let head = audit_log_event::head(tx, act.environment_id).await?;
    let made = AuditExport {
        id: act.entropy.id(act.now)?,
        organization_id,
        after: (Timestamp::from_millis(wanted.range_start.as_millis().saturating_sub(1)), "~".to_owned()),
        wanted,
        state: ExportState::Pending,
        through: head.map_or(0, |(ends, _)| ends.sequence),
        parts: 0,
        lines: 0,
        attempts: 0,
        next_at: Some(act.now),
        created_at: act.now,
        updated_at: act.now,
    };
    audit_log_export::insert(tx, act.environment_id, &made).await?;
    let target = target("audit_log_export", made.id);
    audit_log::record(tx, act, "audit_log_export.created", target, Some(made.organization_id)).await?;
    Ok(made)
}

/// Looks up the export with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<AuditExport, Failure> {
    let missing = || Failure::not_found("Audit Log Export", id);
    let parsed = AuditExportId::parse(id).map_err(|_| missing())?;
    audit_log_export::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

fn signature(act: &Act, id: AuditExportId, expires: i64) -> Digest {
    act.keyring.audit_export.digest(&format!("download\n{}\n{id}\n{expires}", act.environment_id))
}

/// A URL at which anyone who has it can download an export for a while; `None` if the export is not ready.
pub fn address(act: &Act, export: &AuditExport) -> Option<String> {
    (export.state == ExportState::Ready).then(|| {
        let expires = act.now.plus_secs(ADDRESS_LIFETIME).as_millis();
        let signature = signature(act, export.id, expires).to_base64url();
        format!("{}/audit_logs/exports/{}/download?expires={expires}&signature={signature}", act.issuer, export.id)
    })
}

/// Returns the export that a download URL is for; `None` if the URL was not issued here or has expired.
///
/// # Errors
/// Database errors.
pub async fn addressed(
    query: &mut impl Query,
    act: &Act,
    id: &str,
    expires: Option<&str>,
    shown: Option<&str>,
) -> Result<Option<AuditExport>, Failure> {
    let (Ok(id), Some(expires), Some(shown)) =
        (AuditExportId::parse(id), expires.and_then(|text| text.parse::<i64>().ok()), shown)
    else {
        return Ok(None);
    };
    if !signature(act, id, expires).matches_base64url(shown) || act.now.as_millis() >= expires {
        return Ok(None);
    }
    let found = audit_log_export::find(query, act.environment_id, id).await?;
    Ok(found.filter(|export| export.state == ExportState::Ready))
}

/// Builds an export, or what is left of it. Does nothing if another node holds it.
///
/// # Errors
/// Database errors; the parts built by then are kept.
pub async fn make(app: &App, environment_id: EnvironmentId, mut export: AuditExport) -> Result<(), Failure> {
    let (now, claimed) = (app.clock.now(), export.clone());
    let taken = app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move {
            if claimed.attempts >= MAX_ATTEMPTS {
                audit_log_export::fail(tx, environment_id, claimed.id, now).await?;
                return Ok(false);
            }
            Ok(audit_log_export::claim(tx, environment_id, &claimed, now.plus_secs(LEASE)).await?)
        })
    });
    if !taken.await? {
        return Ok(());
    }
    loop {
        let part = next_part(app, environment_id, &export).await?;
        let done = part.until.is_none();
        let (now, current, after) = (app.clock.now(), export.clone(), part.after.clone());
        let added = app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { Ok(audit_log_export::add_part(tx, environment_id, &current, &part, now).await?) })
        });
        if !added.await? || done {
            return Ok(());
        }
        (export.after, export.parts) = (after, export.parts + 1);
    }
}

async fn next_part(app: &App, environment_id: EnvironmentId, export: &AuditExport) -> Result<Part, Failure> {
    let mut body = if export.parts == 0 { csv::HEADER.to_owned() } else { String::new() };
    let (mut lines, mut after, mut more) = (0, export.after.clone(), true);
    for _ in 0..MAX_STEPS {
        let stretch =
            EventRange { after: after.clone(), until: export.wanted.range_end, through: export.through, limit: STEP };
        let mut reader = app.store.reader().await?;
        let rows =
            audit_log_event::of_organization(&mut reader, environment_id, export.organization_id, &stretch).await?;
        drop(reader);
        for row in &rows {
            let event: AuditEvent = serde_json::from_str(&row.content).map_err(Failure::internal)?;
            if export.wanted.has(&event) {
                csv::write(&mut body, row.id, &event);
                lines += 1;
            }
            after = (row.occurred_at, row.id.to_string());
            if body.len() >= PART {
                break;
            }
        }
        more = body.len() >= PART || rows.len() == STEP;
        if body.len() >= PART || !more {
            break;
        }
    }
    let until = more.then(|| app.clock.now().plus_secs(LEASE));
    Ok(Part { body, lines, after, until })
}

/// The file name of a saved export.
pub fn file_name(export: &AuditExport) -> String {
    format!("{}.csv", export.id)
}

/// Makes sure that events recorded so far are in the log from which exports are built.
///
/// # Errors
/// Database errors.
pub async fn settle(app: &App, environment_id: EnvironmentId) -> Result<(), Failure> {
    chain::place_if_whole(&app.store, &app.keyring.audit_log, environment_id).await
}
