//! `/dashboard/env/{environment}/webhooks/{id}`: an endpoint's deliveries, test events, and replay.

use super::{attempt, delivery_row, events_in_words, find, page_of, secrets, shown_secrets};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{error_text, filter_query, pager, refused, reply, when};
use crate::domain::webhooks::{self, requests};
use crate::domain::{Failure, events};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{DeliveryRow, Section, Try, Webhook};
use countersign_protocol::id::EventId;
use countersign_protocol::management::events::{Filter, cursor_not_found};
use countersign_protocol::management::page::{PageRequest, Scan};
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{DeliveryState, WebhookEndpoint, WebhookStatus};
use countersign_store::event::{self, EventRange};
use countersign_store::{webhook_delivery, webhook_endpoint};
use http::StatusCode;

/// Deliveries per page.
const SHOWN: usize = 50;

/// Refused input, or the result of a test.
#[derive(Default)]
struct Feedback {
    tested: Option<Try>,
    event: String,
    moment: String,
    problem: Option<String>,
}

async fn show(call: &DashboardCall, endpoint: &WebhookEndpoint, besides: Feedback) -> Result<Reply, PageError> {
    // The URL of a form post has no pagination parameters.
    let asked = if besides.tested.is_some() || besides.problem.is_some() { None } else { call.page.uri.query() };
    let query = Query::parse(asked.unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| EventId::parse(text).ok()).map_err(Failure::from)?.of(SHOWN);
    let state = query.get("state").map_err(Failure::from)?.and_then(DeliveryState::parse);
    let word = state.map_or("", DeliveryState::as_str);
    let (key, slice) = ((call.environment.id(), endpoint.id), request.slice());
    let first = slice.from.is_none();
    let mut problem = besides.problem;
    // Include the deliveries of events that have only just happened.
    events::place(&call.page.app.store, &call.page.app.clock).await?;
    let mut reader = call.page.app.store.reader().await?;
    let mut from = None;
    if let Some(id) = slice.from {
        match webhook_delivery::find(&mut reader, key, id).await? {
            Some((_, position)) => from = Some(position),
            None => problem = Some(error_text(&cursor_not_found(id))),
        }
    }
    let found = if first || from.is_some() {
        webhook_delivery::list(&mut reader, key, (slice.scan, from, slice.limit), state).await?
    } else {
        Vec::new()
    };
    let replaying = webhook_endpoint::replay(&mut reader, key).await?.is_some();
    drop(reader);
    let page = request.page(found, |delivery| delivery.event_id);
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Webhooks, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Webhooks)),
    };
    let href = page_of(call, endpoint);
    let rows: Vec<DeliveryRow> = page.data.iter().map(|delivery| delivery_row(&href, delivery)).collect();
    let reason = match &endpoint.status {
        WebhookStatus::Disabled { reason: Some(reason) } => Some(reason.as_str()),
        _ => None,
    };
    let failing = endpoint.failing.map(|(tries, since)| {
        let tries = if tries == 1 { "The last try".to_owned() } else { format!("The last {tries} tries") };
        format!("{tries} failed, since {}.", when(since))
    });
    let known = secrets(call, endpoint)?;
    let enabled = endpoint.status == WebhookStatus::Enabled;
    let view = Webhook {
        shell: &shell,
        href: &href,
        url: &endpoint.endpoint_url,
        enabled,
        reason,
        failing,
        events: events_in_words(endpoint),
        secrets: shown_secrets(&known),
        replaying,
        tested: besides.tested.as_ref(),
        state: word,
        rows: &rows,
        live: first && besides.tested.is_none() && status.is_success(),
        pager: &pager(&href, &filter_query(&[("state", word)]), page.before, page.after),
        typed_event: &besides.event,
        typed_moment: &besides.moment,
    };
    Ok(reply(status, &view))
}

/// The endpoint's deliveries, paginated.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &find(call).await?, Feedback::default()).await
}

/// Sends the endpoint a test event, which is not stored, and shows its response.
///
/// # Errors
/// 404.
pub async fn test(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (app, act) = (&call.page.app, call.act());
    let means = (&app.outbound, app.keyring.as_ref());
    let tested = requests::test(means, &call.environment.environment, &endpoint, &act).await?;
    let tested = Some(attempt(&endpoint, &tested, Vec::new()));
    show(call, &endpoint, Feedback { tested, ..Feedback::default() }).await
}

/// Replays events, starting at an event or a time.
///
/// # Errors
/// 404.
pub async fn replay(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let form = call.page.form()?;
    let (typed, moment) = (field::text(&form, "event").to_owned(), field::text(&form, "moment").to_owned());
    // Events that have only just happened are part of the replay.
    events::place(&call.page.app.store, &call.page.app.clock).await?;
    let done = match from(call, &typed, &moment).await? {
        Err(problem) => Err(problem),
        Ok(from) => {
            let (act, id) = (call.act(), endpoint.id.to_string());
            let done =
                call.commit(move |tx| Box::pin(async move { webhooks::replay(tx, &act, &id, from, None).await }));
            match done.await {
                Ok(()) => Ok(()),
                Err(failure) => Err(refused(failure)?),
            }
        }
    };
    match done {
        Ok(()) => call.to(&format!("/webhooks/{}?done=replayed", endpoint.id)),
        Err(problem) => {
            let besides = Feedback { event: typed, moment, problem: Some(problem), ..Feedback::default() };
            show(call, &endpoint, besides).await
        }
    }
}

/// The first event to replay, or what is wrong with the input.
async fn from(call: &DashboardCall, typed: &str, moment: &str) -> Result<Result<EventId, String>, PageError> {
    let wrong = |text: &str| Ok(Err(text.to_owned()));
    match (typed.is_empty(), moment.is_empty()) {
        (true, true) => wrong("Enter the event or the time to start from."),
        (false, false) => wrong("Enter either an event or a time, not both."),
        (false, true) => match EventId::parse(typed) {
            Ok(id) => Ok(Ok(id)),
            Err(_) => wrong("An event ID begins with event_. You can copy it from the event's page."),
        },
        (true, false) => {
            let start = match field::moment(moment) {
                Ok(start) => start,
                Err(problem) => return Ok(Err(problem)),
            };
            let filter = Filter { names: Vec::new(), organization_id: None, start, end: None };
            let stretch = EventRange { scan: Scan::Ascending, from: None, limit: 1 };
            let mut reader = call.page.app.store.reader().await?;
            let found = event::list(&mut reader, call.environment.id(), &filter, stretch).await?;
            match found.first() {
                Some(first) => Ok(Ok(first.id)),
                None => wrong("Nothing has happened since that time."),
            }
        }
    }
}
