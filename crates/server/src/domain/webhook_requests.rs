//! A request to an endpoint of webhooks: how it is made, and what is kept of the answer.

use super::backchannel_logout::reach;
use super::{Failure, webhooks};
use crate::keys::keyring::Keyring;
use crate::outbound::{Limits, OutboundClient};
use bytes::Bytes;
use countersign_protocol::id::EventId;
use countersign_protocol::model::{AttemptOutcome, Environment, WebhookEndpoint};
use countersign_protocol::outbound::Target;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::signature;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::Full;
use std::time::Duration;

/// How long an endpoint may take to answer, in seconds.
pub const PATIENCE: i64 = 15;
/// What an answer may cost; of its body this is read.
const LIMITS: Limits = Limits { time: Duration::from_secs(PATIENCE.unsigned_abs()), bytes: 4 * 1024 };
/// How much is kept of an answer's headers, and of a reason why there was none.
const KEPT: usize = 2 * 1024;

const WORKOS_SIGNATURE: HeaderName = HeaderName::from_static("workos-signature");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Sends an event to an endpoint, signed for this moment. The same event is the same bytes, whenever it is sent.
///
/// # Errors
/// When the endpoint's secrets do not open. What the endpoint does is an outcome.
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
    let secrets = webhooks::secrets(keyring, environment.id, endpoint)?;
    let id = id.to_string();
    let workos = signature::workos(secrets.current(now), now, body.as_bytes());
    let standard = signature::standard(&secrets.signing(now), &id, now, body.as_bytes());
    let request = Request::post("/")
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static("Countersign"))
        .header(WORKOS_SIGNATURE, workos)
        .header(WEBHOOK_ID, id)
        .header(WEBHOOK_TIMESTAMP, now.as_secs())
        .header(WEBHOOK_SIGNATURE, standard)
        .body(Full::new(Bytes::from(body)))
        .map_err(Failure::internal)?;
    Ok(match outbound.tell(&target, reach, request, LIMITS).await {
        Ok(answer) => AttemptOutcome::Answered {
            status: answer.status().as_u16(),
            headers: lines(answer.headers()),
            body: kept(answer.body(), LIMITS.bytes),
        },
        Err(error) => AttemptOutcome::Nothing(kept(error.to_string().as_bytes(), KEPT)),
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
    kept(&lines, KEPT)
}

/// The beginning of what somebody else has said, as a text that every database takes.
fn kept(said: &[u8], most: usize) -> String {
    let beginning = said.get(..most).unwrap_or(said);
    String::from_utf8_lossy(beginning).replace('\0', "\u{fffd}")
}
