//! `/webhook_endpoints`: where events are sent. Everything besides the endpoints themselves is our addition: secret
//! rotation, the delivery log, resending, and a test.

use crate::domain::webhooks::requests;
use crate::domain::webhooks::{self, Changes, view};
use crate::domain::{Failure, events};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{EventId, WebhookEndpointId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::events::{cursor_not_found, event_view};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::webhook_views::{subscriptions, webhook_attempt_view, webhook_delivery_view};
use countersign_protocol::model::DeliveryState;
use countersign_store::{event, webhook_attempt, webhook_delivery, webhook_endpoint};
use http::StatusCode;
use serde_json::json;

/// The maximum lengths of a URL and of an event name.
const MAX_LENGTH: usize = 2048;
const MAX_NAME_LENGTH: usize = 100;

/// `GET /webhook_endpoints`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| WebhookEndpointId::parse(text).ok())?;
    let rows = webhook_endpoint::list(&mut call.reader().await?, call.environment.id(), &request.slice()).await?;
    let (page, act) = (request.page(rows, |row| row.id), call.act());
    let mut refused = None;
    let page = page.map(|row| view(&act, &row).map_err(|failure| refused = Some(failure)).unwrap_or_default());
    refused.map_or_else(|| Ok(Reply::ok(&page.envelope())), Err)
}

/// `GET /webhook_endpoints/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = webhooks::find(&mut call.reader().await?, call.environment.id(), call.path.get("id")).await?;
    Ok(Reply::ok(&view(&call.act(), &found)?))
}

/// `POST /webhook_endpoints`.
///
/// # Errors
/// 409, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let url = fields.required_text("endpoint_url", MAX_LENGTH);
    let events = fields.texts("events", MAX_NAME_LENGTH).value();
    if events.is_none() {
        fields.require("events", "events is required.");
    }
    fields.finish()?;
    let events = subscriptions(events.unwrap_or_default())?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let made = webhooks::create(tx, &act, url, events, None).await?;
            Ok(Reply::created(&view(&act, &made)?).showing_secret())
        })
    })
    .await
}

/// `PATCH /webhook_endpoints/{id}`, and `PUT`, which older clients send.
///
/// # Errors
/// 404, 409, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    let mut fields = call.fields()?;
    let endpoint_url = fields.optional_text("endpoint_url", MAX_LENGTH).value();
    let events = fields.texts("events", MAX_NAME_LENGTH).value();
    let enabled = match fields.optional_text("status", MAX_NAME_LENGTH).value().as_deref() {
        None => None,
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => {
            fields.refuse("status", "invalid", "status must be enabled or disabled.");
            None
        }
    };
    fields.finish()?;
    let events = events.map(subscriptions).transpose()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let changes = Changes { endpoint_url, events, enabled };
            let updated = webhooks::update(tx, &act, &id, changes).await?;
            Ok(Reply::ok(&view(&act, &updated)?).showing_secret())
        })
    })
    .await
}

/// `DELETE /webhook_endpoints/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            webhooks::delete(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}

/// `POST /webhook_endpoints/{id}/rotate_secret`: `immediately` is for an old secret that has leaked.
///
/// # Errors
/// 404, 409.
pub async fn rotate_secret(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    let mut fields = call.fields()?;
    let immediately = fields.boolean("immediately").value().unwrap_or(false);
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let rotated = webhooks::rotate_secret(tx, &act, &id, immediately).await?;
            Ok(Reply::ok(&view(&act, &rotated)?).showing_secret())
        })
    })
    .await
}

/// `POST /webhook_endpoints/{id}/complete_rotation`.
///
/// # Errors
/// 404, 409.
pub async fn complete_rotation(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let rotated = webhooks::complete_rotation(tx, &act, &id).await?;
            Ok(Reply::ok(&view(&act, &rotated)?).showing_secret())
        })
    })
    .await
}

/// `POST /webhook_endpoints/{id}/test`: sends a test event at once, and returns the outcome.
///
/// # Errors
/// 404.
pub async fn test(call: ManagementCall) -> Result<Reply, Failure> {
    let endpoint = webhooks::find(&mut call.reader().await?, call.environment.id(), call.path.get("id")).await?;
    let means = (&call.app.outbound, call.app.keyring.as_ref());
    let attempt = requests::test(means, &call.environment.environment, &endpoint, &call.act()).await?;
    Ok(Reply::ok(&webhook_attempt_view(&attempt)))
}

/// `POST /webhook_endpoints/{id}/replay`: sends the events from `from` until `until` again.
///
/// # Errors
/// 400 for an unknown event; 404, 409, 422.
pub async fn replay(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    let mut fields = call.fields()?;
    let from = fields.required_text("from", MAX_NAME_LENGTH);
    let until = fields.optional_text("until", MAX_NAME_LENGTH).value();
    let mut event = |field: &str, text: &str| {
        let parsed = EventId::parse(text).ok();
        if parsed.is_none() && !text.is_empty() {
            fields.refuse(field, "invalid", format!("{field} must be the identifier of an event."));
        }
        parsed
    };
    let (from, until) = (event("from", &from), until.as_deref().map(|text| event("until", text)));
    fields.finish()?;
    let from = from.ok_or(ApiError::Internal)?;
    // Events that have just happened are included when there is no `until`.
    events::place(&call.app.store, &call.app.clock).await?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            webhooks::replay(tx, &act, &id, from, until.flatten()).await?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
    })
    .await
}

/// `GET /webhook_endpoints/{id}/deliveries`: past and pending deliveries, optionally only those in `state`.
///
/// # Errors
/// 400 for a cursor that is not a delivery; 404, 422.
pub async fn deliveries(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| EventId::parse(text).ok())?;
    let wrong = || Failure::invalid("state", "invalid", "state must be 'pending', 'delivered' or 'failed'.");
    let asked = call.query.get("state")?;
    let state = asked.map(|word| DeliveryState::parse(word).ok_or_else(wrong)).transpose()?;
    let mut reader = call.reader().await?;
    let endpoint = webhooks::find(&mut reader, call.environment.id(), call.path.get("id")).await?;
    let (key, slice) = ((call.environment.id(), endpoint.id), request.slice());
    let from = match slice.from {
        None => None,
        Some(id) => {
            let found = webhook_delivery::find(&mut reader, key, id).await?;
            Some(found.ok_or_else(|| cursor_not_found(id))?.1)
        }
    };
    let found = webhook_delivery::list(&mut reader, key, (slice.scan, from, slice.limit), state).await?;
    let page = request.page(found, |delivery| delivery.event_id);
    Ok(Reply::ok(&page.map(|delivery| webhook_delivery_view(endpoint.id, &delivery)).envelope()))
}

/// `GET /webhook_endpoints/{id}/deliveries/{event_id}`, with the request and the outcome of each attempt.
///
/// # Errors
/// 404.
pub async fn delivery(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let environment_id = call.environment.id();
    let endpoint = webhooks::find(&mut reader, environment_id, call.path.get("id")).await?;
    let (key, id) = ((environment_id, endpoint.id), call.path.get("event_id"));
    let missing = || Failure::not_found("Webhook delivery", id);
    let event_id = EventId::parse(id).map_err(|_| missing())?;
    let (found, _) = webhook_delivery::find(&mut reader, key, event_id).await?.ok_or_else(missing)?;
    let mut shown = webhook_delivery_view(endpoint.id, &found);
    let event = event::find(&mut reader, environment_id, event_id).await?;
    shown["request"] = json!({"body": event.map(|event| event_view(&event))});
    let attempts = webhook_attempt::list(&mut reader, key, event_id).await?;
    shown["attempts"] = attempts.iter().map(webhook_attempt_view).collect();
    Ok(Reply::ok(&shown))
}

/// `POST /webhook_endpoints/{id}/deliveries/{event_id}/resend`.
///
/// # Errors
/// 404, 409.
pub async fn resend(call: ManagementCall) -> Result<Reply, Failure> {
    let (id, event_id) = (call.path.get("id").to_owned(), call.path.get("event_id").to_owned());
    call.commit(move |tx, act| {
        Box::pin(async move {
            webhooks::resend(tx, &act, &id, &event_id).await?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
    })
    .await
}
