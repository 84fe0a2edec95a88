//! `/dashboard/env/{environment}/audit-log/organizations/{id}`: an organization's log.

use super::{kept_in_words, stream_in_words};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{refused, reply, when};
use crate::domain::audit_log;
use crate::domain::audit_log::{Subject, subject};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{AuditOrganization, ExportRow, Period, Section, StreamFacts};
use countersign_protocol::audit::export::{AuditExport, AuditStream, ExportState, StreamState};
use countersign_protocol::audit::retention::{self, KEPT_DAYS};
use countersign_protocol::model::StaffRole;
use countersign_store::{audit_log_export, audit_log_retention, audit_log_stream};
use http::StatusCode;

/// Maximum number of exports shown, newest first.
const MAX: i64 = 50;

/// Refused input, and why it was refused.
#[derive(Default)]
pub(super) struct Typed {
    pub from: String,
    pub to: String,
    pub url: Option<String>,
    pub format: Option<String>,
    /// A shorter retention period that awaits confirmation.
    pub shorter: Option<i64>,
    pub problem: Option<String>,
}

/// The organization named by the path, which may have been deleted.
pub(super) async fn find(call: &DashboardCall) -> Result<Subject, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(subject(&mut reader, &call.act(), call.page.path.get("id")).await?)
}

fn export_row(href: &str, may_have: bool, export: &AuditExport) -> ExportRow {
    let (tone, state) = match export.state {
        ExportState::Pending => ("", "In progress"),
        ExportState::Ready => ("good", "Ready"),
        ExportState::Failed => ("bad", "Failed"),
        ExportState::Expired => ("", "No longer kept"),
    };
    let ready = may_have && export.state == ExportState::Ready;
    ExportRow {
        created: when(export.created_at),
        range: format!("{} to {}", when(export.wanted.range_start), when(export.wanted.range_end)),
        tone,
        state,
        lines: export.lines,
        download: ready.then(|| format!("{href}/exports/{}/download", export.id)),
    }
}

fn stream_facts(stream: &AuditStream) -> StreamFacts {
    let (tone, state, meaning) = stream_in_words(Some(stream));
    StreamFacts {
        url: stream.url.clone(),
        format: stream.format.as_str(),
        tone,
        state,
        meaning,
        synced: stream.last_synced_at.map_or_else(|| "Never".to_owned(), when),
        runs: stream.state != StreamState::Inactive,
    }
}

fn periods(days: Option<i64>) -> Vec<Period> {
    let days = days.unwrap_or(KEPT_DAYS);
    let name = |days: i64| match days {
        30 => "1 month (30 days)".to_owned(),
        days if days < KEPT_DAYS => format!("{} months ({days} days)", days / 30),
        days => kept_in_words(Some(days)),
    };
    retention::periods().map(|one| Period { days: one, name: name(one), chosen: one == days }).collect()
}

/// Shows the log and the problem, if any.
pub(super) async fn show(call: &DashboardCall, found: &Subject, typed: Typed) -> Result<Reply, PageError> {
    let (mut reader, environment_id) = (call.page.app.store.reader().await?, call.environment.id());
    let exports = audit_log_export::of_organization(&mut reader, environment_id, found.id, MAX).await?;
    let days = audit_log_retention::find(&mut reader, environment_id, found.id).await?;
    let stream = audit_log_stream::find(&mut reader, environment_id, found.id).await?;
    drop(reader);
    let (status, shell) = match typed.problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::AuditLog, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::AuditLog)),
    };
    let href = shell.at(&format!("/audit-log/organizations/{}", found.id));
    let may_have = call.role.allows(StaffRole::Developer);
    let rows: Vec<ExportRow> = exports.iter().map(|export| export_row(&href, may_have, export)).collect();
    let facts = stream.as_ref().map(stream_facts);
    let url = typed.url.or_else(|| stream.as_ref().map(|stream| stream.url.clone())).unwrap_or_default();
    let format = typed.format.unwrap_or_else(|| stream.map_or("json", |stream| stream.format.as_str()).to_owned());
    let shorter = typed.shorter.map(|days| {
        let from = call.page.app.clock.now().plus_secs(-days * 86_400);
        (days, kept_in_words(Some(days)), when(from))
    });
    let view = AuditOrganization {
        shorter: shorter.as_ref().map(|(days, kept, from)| (*days, kept.as_str(), from.as_str())),
        shell: &shell,
        href: &href,
        name: found.name.as_deref().unwrap_or("A deleted organization"),
        gone: found.name.is_none(),
        id: &found.id.to_string(),
        exports: &rows,
        live: status.is_success() && exports.iter().any(|export| export.state == ExportState::Pending),
        from: &typed.from,
        to: &typed.to,
        periods: &periods(days),
        kept: &kept_in_words(days),
        stream: facts.as_ref(),
        url: &url,
        format: &format,
    };
    Ok(reply(status, &view))
}

/// The log.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &find(call).await?, Typed::default()).await
}

/// Sets the retention period. A shorter period deletes events, so the page asks for confirmation first.
///
/// # Errors
/// 404.
pub async fn retention(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let form = call.page.form()?;
    let days = |name: &str| field::text(&form, name).parse::<i64>().ok().filter(|days| retention::is_period(*days));
    let (days, confirmed) = (days("days").ok_or_else(PageError::flow)?, days("confirmed"));
    let mut reader = call.page.app.store.reader().await?;
    let now = audit_log_retention::find(&mut reader, call.environment.id(), found.id).await?;
    drop(reader);
    if days < now.unwrap_or(KEPT_DAYS) && confirmed != Some(days) {
        return show(call, &found, Typed { shorter: Some(days), ..Typed::default() }).await;
    }
    let (act, id) = (call.act(), found.id.to_string());
    let done =
        call.commit(move |tx| Box::pin(async move { audit_log::retention::set(tx, &act, &id, days).await })).await;
    settle(call, &found, done, "saved", Typed::default()).await
}

/// Redirects to the log, or shows it again with the refused input.
pub(super) async fn settle(
    call: &DashboardCall,
    found: &Subject,
    done: Result<(), crate::domain::Failure>,
    word: &str,
    typed: Typed,
) -> Result<Reply, PageError> {
    match done {
        Ok(()) => call.to(&format!("/audit-log/organizations/{}?done={word}", found.id)),
        Err(failure) => show(call, found, Typed { problem: Some(refused(failure)?), ..typed }).await,
    }
}
