//! Webhooks: endpoints that receive events, and the state of their deliveries.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | the list of endpoints |
//! | [`settings`] | creating, changing and deleting an endpoint |
//! | [`detail`] | an endpoint's page: deliveries, test, replay |
//! | [`secret`] | secret rotation |
//! | [`delivery`] | the delivery of one event |

pub mod delivery;
pub mod detail;
pub mod list;
pub mod secret;
pub mod settings;

use super::call::DashboardCall;
use super::page::{when, with_seconds};
use crate::domain::webhooks;
use crate::hosted::page::PageError;
use countersign_pages::dashboard::{DeliveryRow, Try};
use countersign_protocol::model::{AttemptOutcome, DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint};
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::event_types::offered;
use http::StatusCode;

/// The endpoint named by the path.
async fn find(call: &DashboardCall) -> Result<WebhookEndpoint, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(webhooks::find(&mut reader, call.environment.id(), call.page.path.get("id")).await?)
}

fn page_of(call: &DashboardCall, endpoint: &WebhookEndpoint) -> String {
    format!("/dashboard/env/{}/webhooks/{}", call.environment.environment.name, endpoint.id)
}

/// How many event types an endpoint subscribes to, in words.
fn events_in_words(endpoint: &WebhookEndpoint) -> String {
    if offered().iter().all(|name| endpoint.events.iter().any(|chosen| chosen == name)) {
        return "All".to_owned();
    }
    match endpoint.events.as_slice() {
        [] => "None".to_owned(),
        [one] => one.clone(),
        more => format!("{} kinds", more.len()),
    }
}

fn delivery_row(page: &str, delivery: &WebhookDelivery) -> DeliveryRow {
    let (tone, state) = match delivery.state {
        DeliveryState::Delivered => ("good", "Delivered"),
        DeliveryState::Failed => ("bad", "Failed"),
        DeliveryState::Pending if delivery.due_at.is_none() => ("", "Waiting for its turn"),
        DeliveryState::Pending if delivery.attempts > 0 => ("warn", "Retrying"),
        DeliveryState::Pending => ("", "Pending"),
    };
    DeliveryRow {
        href: format!("{page}/deliveries/{}", delivery.event_id),
        event_id: delivery.event_id.to_string(),
        event: delivery.event.clone(),
        tone,
        state,
        tries: delivery.attempts,
        time: with_seconds(delivery.created_at),
        next: delivery.due_at.filter(|_| delivery.attempts > 0).map(with_seconds),
    }
}

fn attempt(endpoint: &WebhookEndpoint, attempt: &WebhookAttempt, signatures: Vec<(String, String)>) -> Try {
    let (said, headers, body) = match &attempt.outcome {
        AttemptOutcome::Answered { status, headers, body } => {
            let reason = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
            let said = reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"));
            (said, headers.trim_end().to_owned(), body.clone())
        }
        AttemptOutcome::Nothing(why) => (format!("No response: {why}"), String::new(), String::new()),
    };
    let milliseconds = attempt.milliseconds;
    let took = if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    };
    Try {
        number: attempt.number,
        time: with_seconds(attempt.attempted_at),
        moment: attempt.attempted_at.to_string(),
        took,
        good: attempt.outcome.is_success(),
        said,
        elsewhere: Some(&attempt.endpoint_url).filter(|url| **url != endpoint.endpoint_url).cloned(),
        signatures,
        headers,
        body,
    }
}

/// The secrets of an endpoint: the current one, and the next one with the time it takes over.
type Known = (Secret, Option<(Secret, Timestamp)>);

/// The secrets of an endpoint, if the caller may see them.
fn secrets(call: &DashboardCall, endpoint: &WebhookEndpoint) -> Result<Option<Known>, PageError> {
    if !call.role.allows(countersign_protocol::model::StaffRole::Developer) {
        return Ok(None);
    }
    let act = call.act();
    let all = webhooks::secrets(&act.keyring, act.environment_id, endpoint)?;
    let copy = |secret: &Secret| Secret::new(secret.expose().to_owned());
    let next = all.upcoming(act.now).map(|(next, from)| (copy(next), *from));
    Ok(Some((copy(all.current(act.now)), next)))
}

fn shown_secrets(known: &Option<Known>) -> Option<countersign_pages::dashboard::EndpointSecrets<'_>> {
    known.as_ref().map(|(current, next)| countersign_pages::dashboard::EndpointSecrets {
        current: current.expose(),
        next: next.as_ref().map(|(next, from)| (next.expose(), when(*from))),
    })
}
