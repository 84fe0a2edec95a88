//! `/dashboard/env/{environment}/events`: the events, newest first; the first page updates itself.

use super::call::DashboardCall;
use super::field;
use super::page::{error_text, filter_query, pager, reply, with_seconds};
use crate::domain::Failure;
use crate::domain::events;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{EventName, EventRow, Events, Section};
use countersign_protocol::id::EventId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::events::{Event, Filter, NAMES, cursor_not_found, event_view};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_store::event::{self, EventRange};
use http::StatusCode;
use serde_json::Value;

/// Events per page.
const SHOWN: usize = 50;

/// The filters as typed.
struct Asked<'q> {
    event: &'q str,
    organization_id: &'q str,
    from: &'q str,
    to: &'q str,
}

impl<'q> Asked<'q> {
    fn read(query: &'q Query) -> Result<Self, ApiError> {
        let text = |name: &str| Ok::<_, ApiError>(query.get(name)?.unwrap_or("").trim());
        Ok(Self {
            event: text("event")?,
            organization_id: text("organization_id")?,
            from: text("from")?,
            to: text("to")?,
        })
    }

    fn is_filtered(&self) -> bool {
        [self.event, self.organization_id, self.from, self.to].iter().any(|text| !text.is_empty())
    }

    /// The query parameters that links to other pages of the list keep.
    fn filter_query(&self) -> String {
        filter_query(&[
            ("event", self.event),
            ("organization_id", self.organization_id),
            ("from", self.from),
            ("to", self.to),
        ])
    }

    fn filter(&self) -> Result<Filter, String> {
        let (start, end) = field::range(self.from, self.to)?;
        let organization_id = field::organization(self.organization_id)?;
        let names = Some(self.event.to_owned()).filter(|name| !name.is_empty()).into_iter().collect();
        Ok(Filter { names, organization_id, start, end })
    }
}

/// The name or ID of the object that an event is about.
fn about(data: &Value) -> String {
    let named = ["email", "name", "domain", "slug"].iter().find_map(|key| data.get(key)?.as_str());
    let nested = || data.get("organization_domain").and_then(|domain| domain.get("domain")?.as_str());
    let id = || ["user_id", "client_id", "organization_id", "id"].iter().find_map(|key| data.get(key)?.as_str());
    let text = named.filter(|name| !name.is_empty()).or_else(nested).or_else(id).unwrap_or("");
    text.chars().take(120).collect()
}

fn row(event: &Event) -> EventRow {
    EventRow {
        id: event.id.to_string(),
        name: event.event.clone(),
        about: about(&event.data),
        time: with_seconds(event.created_at),
        moment: event.created_at.to_string(),
        json: serde_json::to_string_pretty(&event_view(event)).unwrap_or_default(),
    }
}

/// The list, paginated.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let asked = Asked::read(&query).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| EventId::parse(text).ok()).map_err(Failure::from)?;
    let request = request.of(SHOWN);
    let paused = query.get("paused").map_err(Failure::from)?.is_some();
    let slice = request.slice();
    let first = slice.from.is_none();
    let mut problem = None;
    let mut found = Vec::new();
    match asked.filter() {
        Err(wrong) => problem = Some(wrong),
        Ok(filter) => {
            // Assign positions to the newest events first, so that the event of a change just made is shown.
            events::place(&call.page.app.store, &call.page.app.clock).await?;
            let environment_id = call.environment.id();
            let mut reader = call.page.app.store.reader().await?;
            let from = match slice.from {
                None => Ok(None),
                Some(id) => match event::position(&mut reader, environment_id, id).await? {
                    Some(position) => Ok(Some(position)),
                    None => Err(error_text(&cursor_not_found(id))),
                },
            };
            match from {
                Err(wrong) => problem = Some(wrong),
                Ok(from) => {
                    let stretch = EventRange { scan: slice.scan, from, limit: slice.limit };
                    found = event::list(&mut reader, environment_id, &filter, stretch).await?;
                }
            }
        }
    }
    let page = request.page(found, |event| event.id);
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Events, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Events)),
    };
    // A list that ends at a past moment does not grow.
    let may_grow = first && asked.to.is_empty() && status.is_success();
    let kept = asked.filter_query();
    let here = shell.at("/events");
    let other = match (paused, kept.is_empty()) {
        (true, true) => here.clone(),
        (true, false) => format!("{here}?{kept}"),
        (false, true) => format!("{here}?paused=yes"),
        (false, false) => format!("{here}?{kept}&paused=yes"),
    };
    let names: Vec<EventName> = NAMES.iter().map(|name| EventName { name, chosen: *name == asked.event }).collect();
    let rows: Vec<EventRow> = page.data.iter().map(row).collect();
    let view = Events {
        shell: &shell,
        rows: &rows,
        names: &names,
        organization_id: asked.organization_id,
        from: asked.from,
        to: asked.to,
        filtered: asked.is_filtered(),
        live: may_grow && !paused,
        paused: may_grow && paused,
        other: &other,
        pager: &pager(&here, &kept, page.before, page.after),
    };
    Ok(reply(status, &view))
}
