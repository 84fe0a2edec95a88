//! `/dashboard/env/{environment}/webhooks/{id}`: what was sent to an endpoint, a test, and sending again.

use super::{attempt, delivery_row, events_in_words, find, page_of, secrets, shown_secrets};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{kept, pager, refused, reply, told, when};
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
use countersign_store::event::{self, Stretch};
use countersign_store::{webhook_delivery, webhook_endpoint};
use http::StatusCode;

/// How many deliveries are on a page.
const SHOWN: usize = 50;

/// What was typed and not taken, or has just been tried.
#[derive(Default)]
struct Besides {
    tested: Option<Try>,
    event: String,
    moment: String,
    problem: Option<String>,
}

async fn show(call: &DashboardCall, endpoint: &WebhookEndpoint, besides: Besides) -> Result<Reply, PageError> {
    // What a form was posted to has no page of the list.
    let asked = if besides.tested.is_some() || besides.problem.is_some() { None } else { call.page.uri.query() };
    let query = Query::parse(asked.unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| EventId::parse(text).ok()).map_err(Failure::from)?.of(SHOWN);
    let state = query.get("state").map_err(Failure::from)?.and_then(DeliveryState::parse);
    let word = state.map_or("", DeliveryState::as_str);
    let (key, slice) = ((call.environment.id(), endpoint.id), request.slice());
    let first = slice.from.is_none();
    let mut problem = besides.problem;
    // What has just happened is on its way.
    events::place(&call.page.app.store, &call.page.app.clock).await?;
    let mut reader = call.page.app.store.reader().await?;
    let mut from = None;
    if let Some(id) = slice.from {
        match webhook_delivery::find(&mut reader, key, id).await? {
            Some((_, position)) => from = Some(position),
            None => problem = Some(told(&cursor_not_found(id))),
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
        format!("{tries} did not succeed, since {}.", when(since))
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
        pager: &pager(&href, &kept(&[("state", word)]), page.before, page.after),
        typed_event: &besides.event,
        typed_moment: &besides.moment,
    };
    Ok(reply(status, &view))
}

/// Its deliveries, page by page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &find(call).await?, Besides::default()).await
}

/// Sends it an event that nothing has written, and shows what it answers.
///
/// # Errors
/// 404.
pub async fn test(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (app, act) = (&call.page.app, call.act());
    let means = (&app.outbound, app.keyring.as_ref());
    let tested = requests::test(means, &call.environment.environment, &endpoint, &act).await?;
    let tested = Some(attempt(&endpoint, &tested, Vec::new()));
    show(call, &endpoint, Besides { tested, ..Besides::default() }).await
}

/// Has events sent again, from one on or from a moment on.
///
/// # Errors
/// 404.
pub async fn replay(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let form = call.page.form()?;
    let (typed, moment) = (field::text(&form, "event").to_owned(), field::text(&form, "moment").to_owned());
    // What has just happened is within "until now".
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
            let besides = Besides { event: typed, moment, problem: Some(problem), ..Besides::default() };
            show(call, &endpoint, besides).await
        }
    }
}

/// The first event that is to be sent again, or what is wrong.
async fn from(call: &DashboardCall, typed: &str, moment: &str) -> Result<Result<EventId, String>, PageError> {
    let wrong = |text: &str| Ok(Err(text.to_owned()));
    match (typed.is_empty(), moment.is_empty()) {
        (true, true) => wrong("Say from which event on, or from which moment on."),
        (false, false) => wrong("Say either an event or a moment, not both."),
        (false, true) => match EventId::parse(typed) {
            Ok(id) => Ok(Ok(id)),
            Err(_) => wrong("The identifier of an event begins with event_ and is copied from its page."),
        },
        (true, false) => {
            let start = match field::moment(moment) {
                Ok(start) => start,
                Err(problem) => return Ok(Err(problem)),
            };
            let filter = Filter { names: Vec::new(), organization_id: None, start, end: None };
            let stretch = Stretch { scan: Scan::Ascending, from: None, limit: 1 };
            let mut reader = call.page.app.store.reader().await?;
            let found = event::list(&mut reader, call.environment.id(), &filter, stretch).await?;
            match found.first() {
                Some(first) => Ok(Ok(first.id)),
                None => wrong("Nothing has happened since then."),
            }
        }
    }
}
