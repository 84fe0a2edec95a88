//! `/dashboard/env/{environment}/webhooks/{id}/deliveries/{event}`: one event's delivery to an endpoint.

use super::{attempt, delivery_row, find, page_of};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{refused, reply, with_seconds};
use crate::domain::Failure;
use crate::domain::webhooks::{self, requests};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Section, Try, WebhookDelivery as View};
use countersign_protocol::id::EventId;
use countersign_protocol::management::events::event_view;
use countersign_protocol::model::{DeliveryState, StaffRole, WebhookAttempt, WebhookEndpoint, WebhookStatus};
use countersign_store::{event, webhook_attempt, webhook_delivery};
use http::StatusCode;

/// The signature headers of an attempt. They are not stored but computed again, with the same result as long as the
/// endpoint has not changed since. A signed body can be replayed for as long as receivers accept its timestamp, so only
/// developers and above see both.
fn signatures(
    call: &DashboardCall,
    endpoint: &WebhookEndpoint,
    tried: &WebhookAttempt,
    message: Option<(EventId, &str)>,
) -> Result<Vec<(String, String)>, PageError> {
    let Some(message) = message else { return Ok(Vec::new()) };
    if !call.role.allows(StaffRole::Developer) || endpoint.updated_at > tried.attempted_at {
        return Ok(Vec::new());
    }
    let act = call.act();
    let headers = requests::signatures(&act.keyring, act.environment_id, endpoint, message, tried.attempted_at)?;
    Ok(headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

async fn show(call: &DashboardCall, endpoint: &WebhookEndpoint, problem: Option<String>) -> Result<Reply, PageError> {
    let (environment_id, asked) = (call.environment.id(), call.page.path.get("event"));
    let missing = || Failure::not_found("Webhook delivery", asked);
    let event_id = EventId::parse(asked).map_err(|_| missing())?;
    let key = (environment_id, endpoint.id);
    let mut reader = call.page.app.store.reader().await?;
    let (found, _) = webhook_delivery::find(&mut reader, key, event_id).await?.ok_or_else(missing)?;
    let tried = webhook_attempt::list(&mut reader, key, event_id).await?;
    let sent = event::find(&mut reader, environment_id, event_id).await?.map(|event| event_view(&event));
    drop(reader);
    let body = sent.as_ref().map(ToString::to_string);
    let pretty = sent.as_ref().and_then(|sent| serde_json::to_string_pretty(sent).ok());
    let mut tries: Vec<Try> = Vec::with_capacity(tried.len());
    for one in tried.iter().rev() {
        let headers = signatures(call, endpoint, one, body.as_deref().map(|body| (event_id, body)))?;
        tries.push(attempt(endpoint, one, headers));
    }
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Webhooks, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Webhooks)),
    };
    let href = page_of(call, endpoint);
    let view = View {
        shell: &shell,
        endpoint: &href,
        url: &endpoint.endpoint_url,
        enabled: endpoint.status == WebhookStatus::Enabled,
        row: &delivery_row(&href, &found),
        settled: found.settled_at.map(with_seconds),
        body: pretty.as_deref().zip(body.as_deref()),
        tries: &tries,
        live: found.state == DeliveryState::Pending && status.is_success(),
    };
    Ok(reply(status, &view))
}

/// The event and its delivery attempts.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &find(call).await?, None).await
}

/// Sends the event again.
///
/// # Errors
/// 404.
pub async fn resend(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (act, id, event) = (call.act(), endpoint.id.to_string(), call.page.path.get("event").to_owned());
    let again = event.clone();
    let done = call.commit(move |tx| Box::pin(async move { webhooks::resend(tx, &act, &id, &again).await }));
    match done.await {
        Ok(()) => call.to(&format!("/webhooks/{}/deliveries/{event}?done=resent", endpoint.id)),
        Err(failure) => show(call, &find(call).await?, Some(refused(failure)?)).await,
    }
}
