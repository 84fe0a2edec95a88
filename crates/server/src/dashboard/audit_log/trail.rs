//! `GET /dashboard/env/{environment}/audit-log`: what administrators did, newest first; the first page updates itself.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{filter_query, reply, with_seconds};
use crate::domain::Failure;
use crate::domain::audit_log::{Entry, Trail, TrailPage, list};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{AuditLog, Section, TrailFields, TrailRow};
use countersign_protocol::audit::event::Party;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::query::Query;
use http::StatusCode;
use serde_json::json;

/// Entries per page.
const SHOWN: usize = 50;

fn fields(query: &Query) -> Result<TrailFields<'_>, ApiError> {
    let text = |name: &str| Ok::<_, ApiError>(query.get(name)?.unwrap_or("").trim());
    Ok(TrailFields {
        actor: text("actor")?,
        action: text("action")?,
        target: text("target")?,
        organization_id: text("organization_id")?,
        from: text("from")?,
        to: text("to")?,
    })
}

fn trail(fields: &TrailFields<'_>) -> Result<Trail, String> {
    let (since, until) = field::range(fields.from, fields.to)?;
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(Trail {
        actor: some(fields.actor),
        action: some(fields.action),
        target_id: some(fields.target),
        organization_id: field::organization(fields.organization_id)?,
        since,
        until,
    })
}

fn query_of(fields: &TrailFields<'_>) -> String {
    filter_query(&[
        ("actor", fields.actor),
        ("action", fields.action),
        ("target", fields.target),
        ("organization_id", fields.organization_id),
        ("from", fields.from),
        ("to", fields.to),
    ])
}

/// The actor, in words.
fn actor_text(actor: &Party) -> String {
    let name = actor.name.as_deref().filter(|name| !name.is_empty());
    match (actor.kind.as_str(), name) {
        ("api_key", name) => format!("API key “{}”", name.unwrap_or(&actor.id)),
        ("cli", Some(account)) => format!("{}, by {account}", actor.id),
        ("cli", None) => actor.id.clone(),
        ("staff", name) => name.unwrap_or(&actor.id).to_owned(),
        ("portal", Some(name)) => format!("{name}, on the organization's own page"),
        ("portal", None) => "Somebody with a link to the organization's page".to_owned(),
        ("system", _) => format!("The server, job {}", actor.id),
        (_, name) => name.unwrap_or(&actor.id).to_owned(),
    }
}

/// The target, in words.
fn target_text(target: &Party) -> String {
    let kind = target.kind.replace('_', " ");
    match target.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{kind} “{name}”, {}", target.id),
        None => format!("{kind} {}", target.id),
    }
}

fn row(here: &str, entry: &Entry) -> TrailRow {
    let event = &entry.event;
    let link = |name: &str, id: &str| format!("{here}?{}", filter_query(&[(name, id)]));
    let record = json!({
        "id": entry.id.bare(),
        "sequence": entry.sequence,
        "organization_id": entry.organization_id,
        "action": event.action,
        "occurred_at": event.occurred_at,
        "actor": event.actor,
        "targets": event.targets,
        "context": event.context,
    });
    let place = match event.context.location.as_str() {
        "server" => "The server itself".to_owned(),
        location => location.to_owned(),
    };
    TrailRow {
        id: entry.id.to_string(),
        action: event.action.clone(),
        who: actor_text(&event.actor),
        what: event.targets.iter().map(target_text).collect::<Vec<_>>().join("; "),
        time: with_seconds(event.occurred_at),
        moment: event.occurred_at.to_string(),
        place,
        program: event.context.user_agent.clone(),
        organization_id: entry.organization_id.map(|id| id.to_string()),
        sequence: entry.sequence,
        same_actor: link("actor", &event.actor.id),
        same_target: link("target", event.targets.first().map_or("", |target| &target.id)),
        json: serde_json::to_string_pretty(&record).unwrap_or_default(),
    }
}

/// The list, paginated.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let fields = fields(&query).map_err(Failure::from)?;
    let before = query.get("before").map_err(Failure::from)?;
    let place = before.and_then(|text| text.parse::<i64>().ok());
    let asked = match (before, place) {
        (Some(_), None) => Err("This page of the list does not exist.".to_owned()),
        _ => trail(&fields),
    };
    let (problem, page) = match asked {
        Err(problem) => (Some(problem), TrailPage::default()),
        Ok(trail) => {
            let (store, key) = (&call.page.app.store, &call.page.app.keyring.audit_log);
            (None, list(store, key, call.environment.id(), &trail, place, SHOWN).await?)
        }
    };
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::AuditLog, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::AuditLog)),
    };
    let (here, kept) = (shell.at("/audit-log"), query_of(&fields));
    let with = |more: String| [more, kept.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let older = page.next.map(|next| format!("{here}?{}", with(format!("before={next}")).join("&")));
    let newest = match (before, kept.is_empty()) {
        (None, _) => None,
        (Some(_), true) => Some(here.clone()),
        (Some(_), false) => Some(format!("{here}?{kept}")),
    };
    let rows: Vec<TrailRow> = page.entries.iter().map(|entry| row(&here, entry)).collect();
    let view = AuditLog {
        shell: &shell,
        rows: &rows,
        filtered: !kept.is_empty(),
        // A list that ends at a past moment does not grow, and a filtered list that may have further pages is not
        // polled.
        live: before.is_none()
            && fields.to.is_empty()
            && status.is_success()
            && (kept.is_empty() || page.next.is_none()),
        fields,
        newest: newest.as_deref(),
        older: older.as_deref(),
    };
    Ok(reply(status, &view))
}
