//! Streams of an organization's audit log events: an HTTPS endpoint receives them in batches, in the order of the log.
//! A stream that does not accept them keeps its position, and does not hold up others.

use crate::app::App;
use crate::domain::sessions::backchannel_logout;
use crate::domain::{Act, Failure, audit_log, organizations};
use crate::keys::keyring::Keyring;
use crate::outbound::Limits;
use bytes::Bytes;
use countersign_protocol::audit::administrative::target;
use countersign_protocol::audit::event::AuditEvent;
use countersign_protocol::audit::export::{AuditStream, StreamFormat, StreamState};
use countersign_protocol::audit::stream;
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::outbound::Target;
use countersign_store::audit_log_event::{self, Placed};
use countersign_store::{Tx, audit_log_stream};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The maximum number of events per batch.
const BATCH: usize = 100;
/// How long batches follow each other before other streams have a turn.
const IN_A_ROW: Duration = Duration::from_secs(5);
/// The time and size limits of a response.
const LIMITS: Limits = Limits { time: Duration::from_secs(10), bytes: 16 * 1024 };
/// How long a node holds a stream, in seconds.
const LEASE: i64 = 60;
/// Seconds between deliveries while there is little to send.
const IDLE: i64 = 5;
/// Seconds until a retry, by the number of consecutive failures.
const PAUSES: [i64; 5] = [5, 15, 60, 300, 900];
/// Seconds until a retry after the credentials were rejected.
const LOCKED_OUT: i64 = 300;
/// The maximum number of headers sent with events.
const MAX_HEADERS: usize = 20;

/// The settings of a stream.
#[derive(Debug, Clone)]
pub struct NewStream {
    /// The URL to send to.
    pub url: String,
    /// The format of the events.
    pub format: StreamFormat,
    /// The headers sent with them.
    pub headers: BTreeMap<String, String>,
}

fn context(environment_id: EnvironmentId, organization_id: OrganizationId) -> [String; 3] {
    ["audit-stream".to_owned(), environment_id.to_string(), organization_id.to_string()]
}

fn check(act: &Act, new: &NewStream) -> Result<(), Failure> {
    let reach = backchannel_logout::reach(act.environment_kind, &act.issuer);
    Target::parse(&new.url, reach).map_err(|error| Failure::invalid("url", "invalid", format!("The URL {error}.")))?;
    if new.headers.len() > MAX_HEADERS {
        return Err(Failure::invalid("headers", "too_many", format!("At most {MAX_HEADERS} headers.")));
    }
    for (name, value) in &new.headers {
        let ours = ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];
        let good = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
        if !good || ours.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(Failure::invalid("headers", "invalid", format!("'{name}' cannot be sent as a header.")));
        }
    }
    let headers = new.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    match stream::lacking(new.format, headers) {
        Some(message) => Err(Failure::invalid("headers", "required", message)),
        None => Ok(()),
    }
}

/// Opens the sealed headers of a stream.
///
/// # Errors
/// If they cannot be opened.
pub fn headers(
    keyring: &Keyring,
    environment_id: EnvironmentId,
    stream: &AuditStream,
) -> Result<BTreeMap<String, String>, Failure> {
    let context = context(environment_id, stream.organization_id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let headers = keyring.audit_stream.open(&context, &stream.sealed_headers).map_err(Failure::internal)?;
    serde_json::from_slice(&headers).map_err(Failure::internal)
}

/// Sets where an organization's events are sent from now on; an existing stream continues from its position.
///
/// # Errors
/// 404 for the organization, 422 for an unusable URL or header.
pub async fn set(tx: &mut Tx, act: &Act, organization_id: &str, new: NewStream) -> Result<AuditStream, Failure> {
    check(act, &new)?;
    let organization = organizations::find(tx, act, organization_id).await?;
    let headers = serde_json::to_vec(&new.headers).map_err(Failure::internal)?;
    let context = context(act.environment_id, organization.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let sealed_headers =
        act.keyring.audit_stream.seal(&context, &headers, act.entropy.bytes()?).map_err(Failure::internal)?;
    let head = audit_log_event::head(tx, act.environment_id).await?;
    let stream = AuditStream {
        id: act.entropy.id(act.now)?,
        organization_id: organization.id,
        url: new.url,
        format: new.format,
        sealed_headers,
        state: StreamState::Active,
        sequence: head.map_or(0, |(ends, _)| ends.sequence),
        attempts: 0,
        next_at: Some(act.now),
        last_synced_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    audit_log_stream::set(tx, act.environment_id, &stream).await?;
    let stored = audit_log_stream::find(tx, act.environment_id, organization.id).await?.unwrap_or(stream);
    audit_log::record(
        tx,
        act,
        "audit_log_stream.updated",
        target("audit_log_stream", stored.id),
        Some(organization.id),
    )
    .await?;
    Ok(stored)
}

/// Switches a stream off, or deletes it. Its organization may have been deleted.
///
/// # Errors
/// 404.
pub async fn end(tx: &mut Tx, act: &Act, organization_id: &str, forget: bool) -> Result<(), Failure> {
    let id = OrganizationId::parse(organization_id).map_err(|_| Failure::not_found("Organization", organization_id))?;
    let Some(found) = audit_log_stream::find(tx, act.environment_id, id).await? else {
        organizations::find(tx, act, organization_id).await?;
        return Err(Failure::not_found("Audit Log Stream", organization_id));
    };
    let action = if forget {
        audit_log_stream::delete(tx, act.environment_id, id).await?;
        "audit_log_stream.deleted"
    } else {
        audit_log_stream::switch_off(tx, act.environment_id, id, act.now).await?;
        "audit_log_stream.updated"
    };
    audit_log::record(tx, act, action, target("audit_log_stream", found.id), Some(id)).await
}

/// Sends pending events for as long as they are accepted. Does nothing if another node holds the stream.
///
/// # Errors
/// Database errors; the events are then sent again.
pub async fn advance(app: &App, environment_id: EnvironmentId, mut stream: AuditStream) -> Result<(), Failure> {
    let began = Instant::now();
    while step(app, environment_id, &mut stream).await? && began.elapsed() < IN_A_ROW {}
    Ok(())
}

/// Sends one batch; returns whether there may be more to send now.
async fn step(app: &App, environment_id: EnvironmentId, stream: &mut AuditStream) -> Result<bool, Failure> {
    let mut reader = app.store.reader().await?;
    let (organization_id, from) = (stream.organization_id, stream.sequence);
    let mut events = audit_log_event::coming(&mut reader, environment_id, organization_id, from, BATCH).await?;
    drop(reader);
    let coming = events.len();
    events.truncate(stream::at_once(events.iter().map(|placed| placed.content.len())));
    // More events may be waiting already; then the next batch follows without a pause.
    let more = coming == BATCH || events.len() < coming;
    let until = app.clock.now().plus_secs(if events.is_empty() { IDLE } else { LEASE });
    let claimed = stream.clone();
    let taken = app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { Ok(audit_log_stream::claim(tx, environment_id, &claimed, until).await?) })
    });
    if !taken.await? || events.is_empty() {
        return Ok(false);
    }
    let sent = send(app, environment_id, stream, &events).await?;
    let now = app.clock.now();
    let goes_on = more && matches!(sent, Sent::Taken);
    match sent {
        Sent::Taken => {
            stream.state = StreamState::Active;
            stream.sequence = events.last().map_or(stream.sequence, |last| last.sequence);
            (stream.attempts, stream.last_synced_at) = (0, Some(now));
            stream.next_at = Some(if more { now } else { now.plus_secs(IDLE) });
        }
        Sent::LockedOut(why) => {
            tracing::warn!(stream = %stream.id, why, "a stream of an audit log was refused: its credentials are not accepted");
            (stream.state, stream.attempts) = (StreamState::Invalid, stream.attempts + 1);
            stream.next_at = Some(now.plus_secs(LOCKED_OUT));
        }
        Sent::Failed(why) => {
            tracing::info!(stream = %stream.id, why, "a stream of an audit log was not taken");
            let pause = usize::try_from(stream.attempts).ok().and_then(|attempts| PAUSES.get(attempts)).unwrap_or(&900);
            (stream.state, stream.attempts) = (StreamState::Failing, stream.attempts + 1);
            stream.next_at = Some(now.plus_secs(*pause));
        }
    }
    let settled = stream.clone();
    app.store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move { Ok(audit_log_stream::settle(tx, environment_id, &settled, until).await?) })
        })
        .await?;
    Ok(goes_on)
}

enum Sent {
    Taken,
    LockedOut(String),
    Failed(String),
}

async fn send(
    app: &App,
    environment_id: EnvironmentId,
    stream: &AuditStream,
    events: &[Placed],
) -> Result<Sent, Failure> {
    let Some(environment) = app.environments().get(environment_id).cloned() else {
        return Ok(Sent::Failed("the environment is not known here yet".to_owned()));
    };
    let environment = &environment.environment;
    let reach = backchannel_logout::reach(environment.kind, &environment.issuer);
    let target = match Target::parse(&stream.url, reach) {
        Ok(target) => target,
        Err(error) => return Ok(Sent::Failed(format!("the URL {error}"))),
    };
    let headers = headers(&app.keyring, environment_id, stream)?;
    let mut request = Request::post("/")
        .header(CONTENT_TYPE, HeaderValue::from_static(stream::content_type(stream.format)))
        .header(USER_AGENT, HeaderValue::from_static("Countersign"));
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let mut told = Vec::with_capacity(events.len());
    for placed in events {
        told.push((placed.id, serde_json::from_str::<AuditEvent>(&placed.content).map_err(Failure::internal)?));
    }
    let body = stream::body(stream.format, &environment.name, &told);
    let request = request.body(Full::new(Bytes::from(body))).map_err(Failure::internal)?;
    Ok(match app.outbound.tell(&target, reach, request, LIMITS).await {
        Ok(answer) if answer.status().is_success() => Sent::Taken,
        Ok(answer) if matches!(answer.status().as_u16(), 401 | 403) => Sent::LockedOut(answer.status().to_string()),
        Ok(answer) => Sent::Failed(answer.status().to_string()),
        Err(error) => Sent::Failed(error.to_string()),
    })
}
