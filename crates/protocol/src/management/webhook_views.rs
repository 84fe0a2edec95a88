//! Webhook endpoints and their deliveries in their wire format.

use super::error::{ApiError, FieldError};
use crate::id::WebhookEndpointId;
use crate::model::{AttemptOutcome, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookStatus};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::webhook::event_types::can_be_subscribed;
use serde_json::{Value, json};

/// `webhook_endpoint`, as in events: without secrets.
pub fn webhook_endpoint_event_view(endpoint: &WebhookEndpoint) -> Value {
    let (status, reason) = match &endpoint.status {
        WebhookStatus::Enabled => ("enabled", None),
        WebhookStatus::Disabled { reason } => ("disabled", reason.as_deref()),
    };
    let mut view = json!({
        "object": "webhook_endpoint",
        "id": endpoint.id,
        "endpoint_url": endpoint.endpoint_url,
        "status": status,
        "events": endpoint.events,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    });
    if let Some(reason) = reason {
        view["disabled_reason"] = reason.into();
    }
    view
}

/// `webhook_endpoint`, with the current signing secret and the upcoming one, if any.
pub fn webhook_endpoint_view(
    endpoint: &WebhookEndpoint,
    secret: &Secret,
    upcoming: Option<&(Secret, Timestamp)>,
) -> Value {
    let mut view = webhook_endpoint_event_view(endpoint);
    view["secret"] = secret.expose().into();
    if let Some((next, from)) = upcoming {
        view["next_secret"] = next.expose().into();
        view["next_secret_at"] = json!(from);
    }
    view
}

/// `webhook_delivery`.
pub fn webhook_delivery_view(endpoint_id: WebhookEndpointId, delivery: &WebhookDelivery) -> Value {
    json!({
        "object": "webhook_delivery",
        "webhook_endpoint_id": endpoint_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state.as_str(),
        "attempt_count": delivery.attempts,
        "next_attempt_at": delivery.due_at,
        "created_at": delivery.created_at,
        "settled_at": delivery.settled_at,
    })
}

/// `webhook_attempt`.
pub fn webhook_attempt_view(attempt: &WebhookAttempt) -> Value {
    let (response, error) = match &attempt.outcome {
        AttemptOutcome::Answered { status, headers, body } => {
            (json!({"status": status, "headers": headers, "body": body}), None)
        }
        AttemptOutcome::Nothing(error) => (Value::Null, Some(error)),
    };
    json!({
        "object": "webhook_attempt",
        "number": attempt.number,
        "attempted_at": attempt.attempted_at,
        "duration_ms": attempt.milliseconds,
        "endpoint_url": attempt.endpoint_url,
        "succeeded": attempt.outcome.is_success(),
        "response": response,
        "error": error,
    })
}

/// Returns the sorted, deduplicated event names an endpoint subscribes to.
///
/// # Errors
/// 422 for names of events that do not exist or that cannot be subscribed to.
pub fn subscriptions(mut names: Vec<String>) -> Result<Vec<String>, ApiError> {
    let unknown = |(at, name): (usize, &String)| {
        let message = format!("'{name}' is no event that an endpoint can be sent.");
        (!can_be_subscribed(name)).then(|| FieldError::new(format!("events.{at}"), "unknown_event_type", message))
    };
    let errors: Vec<FieldError> = names.iter().enumerate().filter_map(unknown).collect();
    if !errors.is_empty() {
        return Err(ApiError::Validation(errors));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unknown_name_is_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            subscriptions(names(&["user.updated", "user.created", "user.updated"])).unwrap(),
            ["user.created", "user.updated"]
        );
        match subscriptions(names(&["user.created", "vault.data.read", "nothing"])) {
            Err(ApiError::Validation(errors)) => {
                let told: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
                assert_eq!(told, [("events.1", "unknown_event_type"), ("events.2", "unknown_event_type")]);
            }
            other => panic!("{other:?}"),
        }
    }
}
