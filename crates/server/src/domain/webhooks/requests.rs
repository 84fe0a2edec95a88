//! Requests to webhook endpoints: how they are made, and what is kept of the response.

use crate::domain::sessions::backchannel_logout::reach;
use crate::domain::{Act, Failure, webhooks};
use crate::keys::keyring::Keyring;
use crate::outbound::{Limits, OutboundClient};
use bytes::Bytes;
use countersign_protocol::id::{EnvironmentId, EventId};
use countersign_protocol::management::events::{Event, event_view};
use countersign_protocol::management::webhook_views::webhook_endpoint_event_view;
use countersign_protocol::model::{AttemptOutcome, Environment, WebhookAttempt, WebhookEndpoint};
use countersign_protocol::outbound::Target;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::event_types::TEST;
use countersign_protocol::webhook::signature;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::Full;
use std::time::{Duration, Instant};

/// How long an endpoint may take to respond, in seconds.
pub const TIMEOUT: i64 = 15;
/// The time limit of a response, and how much of its body is read.
const LIMITS: Limits = Limits { time: Duration::from_secs(TIMEOUT.unsigned_abs()), bytes: 4 * 1024 };
/// The maximum bytes kept of a response's headers, and of the reason why there was no response.
const KEPT: usize = 2 * 1024;

const WORKOS_SIGNATURE: HeaderName = HeaderName::from_static("workos-signature");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers by which an endpoint verifies a request sent now.
///
/// # Errors
/// When the endpoint's secrets cannot be opened.
pub fn signatures(
    keyring: &Keyring,
    environment_id: EnvironmentId,
    endpoint: &WebhookEndpoint,
    (id, body): (EventId, &str),
    now: Timestamp,
) -> Result<[(HeaderName, String); 4], Failure> {
    let secrets = webhooks::secrets(keyring, environment_id, endpoint)?;
    let id = id.to_string();
    let standard = signature::standard(&secrets.signing(now), &id, now, body.as_bytes());
    Ok([
        (WORKOS_SIGNATURE, signature::workos(secrets.current(now), now, body.as_bytes())),
        (WEBHOOK_ID, id),
        (WEBHOOK_TIMESTAMP, now.as_secs().to_string()),
        (WEBHOOK_SIGNATURE, standard),
    ])
}

/// Sends a test event at once, and returns the outcome. Nothing is stored.
///
/// # Errors
/// As [`send`].
pub async fn test(
    means: (&OutboundClient, &Keyring),
    environment: &Environment,
    endpoint: &WebhookEndpoint,
    act: &Act,
) -> Result<WebhookAttempt, Failure> {
    let made = Event {
        id: act.entropy.id(act.now)?,
        event: TEST.to_owned(),
        data: webhook_endpoint_event_view(endpoint),
        created_at: act.now,
    };
    let (began, message) = (Instant::now(), (made.id, event_view(&made).to_string()));
    let outcome = send(means, environment, endpoint, message, act.now).await?;
    Ok(WebhookAttempt {
        number: 1,
        attempted_at: act.now,
        milliseconds: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
        endpoint_url: endpoint.endpoint_url.clone(),
        outcome,
    })
}

/// Sends an event to an endpoint, signed now. The same event is always sent as the same bytes.
///
/// # Errors
/// When the endpoint's secrets cannot be opened. The endpoint's behavior is an outcome, not an error.
pub async fn send(
    (outbound, keyring): (&OutboundClient, &Keyring),
    environment: &Environment,
    endpoint: &WebhookEndpoint,
    (id, body): (EventId, String),
    now: Timestamp,
) -> Result<AttemptOutcome, Failure> {
    let reach = reach(environment.kind, &environment.issuer);
    let target = match Target::parse(&endpoint.endpoint_url, reach) {
        Ok(target) => target,
        Err(error) => return Ok(AttemptOutcome::Nothing(format!("endpoint_url {error}"))),
    };
    let mut request = Request::post("/")
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static("Countersign"));
    for (name, value) in signatures(keyring, environment.id, endpoint, (id, &body), now)? {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(Failure::internal)?;
    Ok(match outbound.tell(&target, reach, request, LIMITS).await {
        Ok(answer) => AttemptOutcome::Answered {
            status: answer.status().as_u16(),
            headers: lines(answer.headers()),
            body: excerpt(answer.body(), LIMITS.bytes),
        },
        Err(error) => AttemptOutcome::Nothing(excerpt(error.to_string().as_bytes(), KEPT)),
    })
}

fn lines(headers: &HeaderMap) -> String {
    let mut lines = Vec::new();
    for (name, value) in headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    excerpt(&lines, KEPT)
}

/// The beginning of data received from outside, as text that every database accepts.
fn excerpt(said: &[u8], most: usize) -> String {
    let beginning = said.get(..most).unwrap_or(said);
    String::from_utf8_lossy(beginning).replace('\0', "\u{fffd}")
}
