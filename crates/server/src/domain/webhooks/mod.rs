//! Webhook endpoints: which events they are sent, and the state of the deliveries. Sending itself is in
//! [`crate::domain::webhooks::requests`].

pub mod requests;

use crate::domain::sessions::backchannel_logout::reach;
use crate::domain::{Act, Failure, events};
use crate::keys::keyring::Keyring;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use countersign_protocol::id::{EnvironmentId, EventId, WebhookEndpointId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::events::cursor_not_found;
use countersign_protocol::management::webhook_views::{webhook_endpoint_event_view, webhook_endpoint_view};
use countersign_protocol::model::{DeliveryState, WebhookAttempt, WebhookEndpoint, WebhookStatus};
use countersign_protocol::outbound::Target;
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::event_types::DISABLED;
use countersign_protocol::webhook::rotation::{OVERLAP, Rotation};
use countersign_protocol::webhook::schedule::{MAX_WAIT_LENGTH, TRIES, breather, is_given_up, next_try};
use countersign_protocol::webhook::signature::compose_secret;
use countersign_store::webhook_delivery::{self, Claimed, STEP};
use countersign_store::webhook_endpoint::{self, Key};
use countersign_store::{Error, Query, Tx, event, signing_key, webhook_attempt};
use serde_json::Value;

/// The maximum number of endpoints of an environment.
const MAX: i64 = 100;

/// Why an endpoint was disabled automatically.
const GONE: &str = "It answered 410 Gone.";
const NO_SUCCESS: &str = "Every request to it has failed for three days.";

fn missing(id: &str) -> Failure {
    Failure::not_found("Webhook endpoint", id)
}

/// Reads the identifier of an endpoint.
///
/// # Errors
/// 404.
pub fn key(environment_id: EnvironmentId, id: &str) -> Result<Key, Failure> {
    WebhookEndpointId::parse(id).map(|id| (environment_id, id)).map_err(|_| missing(id))
}

/// Looks up an endpoint.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: &str) -> Result<WebhookEndpoint, Failure> {
    webhook_endpoint::find(query, key(environment_id, id)?).await?.ok_or_else(|| missing(id))
}

/// Looks up an endpoint and locks it against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn held(tx: &mut Tx, act: &Act, id: &str) -> Result<WebhookEndpoint, Failure> {
    webhook_endpoint::lock(tx, key(act.environment_id, id)?).await?;
    find(tx, act.environment_id, id).await
}

/// Opens the secrets of an endpoint.
///
/// # Errors
/// When they were not sealed by this installation.
pub fn secrets(
    keyring: &Keyring,
    environment_id: EnvironmentId,
    endpoint: &WebhookEndpoint,
) -> Result<Rotation<Secret>, Failure> {
    let context = [&environment_id.to_string(), &endpoint.id.to_string()].map(String::clone);
    let open = |sealed: &[u8]| -> Result<Secret, Failure> {
        let context = ["webhook-secret", &context[0], &context[1]];
        let plain = keyring.webhook_secret.open(&context, sealed).map_err(Failure::internal)?;
        Ok(Secret::new(String::from_utf8(plain.to_vec()).map_err(Failure::internal)?))
    };
    let next = match &endpoint.secrets.next {
        Some((sealed, from)) => Some((open(sealed)?, *from)),
        None => None,
    };
    Ok(Rotation { secret: open(&endpoint.secrets.secret)?, next })
}

/// Generates a secret, sealed for an endpoint.
fn new_secret(act: &Act, id: WebhookEndpointId) -> Result<Vec<u8>, Failure> {
    sealed(act, id, &compose_secret(&act.entropy.bytes()?))
}

fn sealed(act: &Act, id: WebhookEndpointId, secret: &Secret) -> Result<Vec<u8>, Failure> {
    let context = ["webhook-secret", &act.environment_id.to_string(), &id.to_string()];
    act.keyring
        .webhook_secret
        .seal(&context, secret.expose().as_bytes(), act.entropy.bytes()?)
        .map_err(Failure::internal)
}

/// An endpoint as the API returns it.
///
/// # Errors
/// As [`secrets`].
pub fn view(act: &Act, endpoint: &WebhookEndpoint) -> Result<Value, Failure> {
    let secrets = secrets(&act.keyring, act.environment_id, endpoint)?;
    Ok(webhook_endpoint_view(endpoint, secrets.current(act.now), secrets.upcoming(act.now)))
}

fn check_url(act: &Act, url: &str) -> Result<(), Failure> {
    match Target::parse(url, reach(act.environment_kind, &act.issuer)) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(ApiError::Unprocessable { code: "invalid_url", message: format!("endpoint_url {error}.") }.into())
        }
    }
}

fn taken(error: Error) -> Failure {
    if error.is_unique("webhook_endpoint", "endpoint_url") {
        Failure::conflict("duplicate_endpoint", "There is a webhook endpoint with this endpoint_url already.")
    } else {
        error.into()
    }
}

/// Creates an endpoint. It is sent events from now on, signed with the given secret or a new one.
///
/// # Errors
/// 409 for a URL that another endpoint has; 422 for one that requests may not go to, and at the maximum number of
/// endpoints.
pub async fn create(
    tx: &mut Tx,
    act: &Act,
    endpoint_url: String,
    events: Vec<String>,
    brought: Option<&Secret>,
) -> Result<WebhookEndpoint, Failure> {
    check_url(act, &endpoint_url)?;
    // Serialized by the lock, so that concurrent requests cannot exceed the limit together.
    signing_key::lock(tx, act.environment_id).await?;
    if webhook_endpoint::count(tx, act.environment_id).await? >= MAX {
        let message = format!("There are {MAX} webhook endpoints already. Delete one first.");
        return Err(Failure::invalid("", "too_many", message));
    }
    let id = act.entropy.id(act.now)?;
    let secret = brought.map_or_else(|| new_secret(act, id), |secret| sealed(act, id, secret))?;
    let made = WebhookEndpoint {
        id,
        endpoint_url,
        secrets: Rotation { secret, next: None },
        status: WebhookStatus::Enabled,
        events,
        failing: None,
        created_at: act.now,
        updated_at: act.now,
    };
    webhook_endpoint::insert(tx, act.environment_id, &made).await.map_err(taken)?;
    Ok(made)
}

/// Changes to an endpoint.
#[derive(Debug, Default)]
pub struct Changes {
    /// The URL that events are sent to.
    pub endpoint_url: Option<String>,
    /// The types of events that are sent.
    pub events: Option<Vec<String>>,
    /// Whether it is enabled.
    pub enabled: Option<bool>,
}

/// Changes an endpoint. Disabling it discards its pending deliveries.
///
/// # Errors
/// 404, 409, 422 as [`create`].
pub async fn update(tx: &mut Tx, act: &Act, id: &str, changes: Changes) -> Result<WebhookEndpoint, Failure> {
    let mut endpoint = held(tx, act, id).await?;
    let key = (act.environment_id, endpoint.id);
    if let Some(url) = changes.endpoint_url {
        check_url(act, &url)?;
        if url != endpoint.endpoint_url {
            endpoint.failing = None;
        }
        endpoint.endpoint_url = url;
    }
    if let Some(events) = changes.events {
        endpoint.events = events;
    }
    webhook_endpoint::update(tx, key, &endpoint.endpoint_url, &endpoint.events, act.now).await.map_err(taken)?;
    endpoint.updated_at = act.now;
    match changes.enabled {
        Some(true) if endpoint.status != WebhookStatus::Enabled => {
            // What was pending when it was disabled is not sent later; usually a job has deleted all of it by now.
            // Otherwise deletion continues, and nothing is sent until it is done: no change may take time proportional
            // to the number of rows.
            webhook_endpoint::enable(tx, key).await?;
            if webhook_delivery::drop_some(tx, key, false).await? >= STEP {
                let head = event::head(tx).await?;
                webhook_endpoint::set_drops(tx, key, Some(head)).await?;
            }
            (endpoint.status, endpoint.failing) = (WebhookStatus::Enabled, None);
        }
        Some(false) => {
            if endpoint.status == WebhookStatus::Enabled {
                endpoint.status = WebhookStatus::Disabled { reason: None };
            }
            webhook_endpoint::disable(tx, key, None, act.now).await?;
        }
        Some(true) | None => {}
    }
    Ok(endpoint)
}

/// Deletes an endpoint. A job deletes its deliveries.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    if webhook_endpoint::delete(tx, key(act.environment_id, id)?).await? { Ok(()) } else { Err(missing(id)) }
}

/// Generates a new secret, which takes over after [`OVERLAP`] or, with `now`, at once and alone.
///
/// # Errors
/// 404; 409 while another one is due to take over.
pub async fn rotate_secret(tx: &mut Tx, act: &Act, id: &str, now: bool) -> Result<WebhookEndpoint, Failure> {
    let mut endpoint = held(tx, act, id).await?;
    if !now && endpoint.secrets.upcoming(act.now).is_some() {
        let message = "A secret rotation is already in progress. Complete it first.";
        return Err(Failure::conflict("rotation_in_progress", message));
    }
    let fresh = new_secret(act, endpoint.id)?;
    endpoint.secrets = if now {
        Rotation { secret: fresh, next: None }
    } else {
        let current = endpoint.secrets.current(act.now).clone();
        Rotation { secret: current, next: Some((fresh, act.now.plus_secs(OVERLAP))) }
    };
    store_secrets(tx, act, &mut endpoint).await?;
    Ok(endpoint)
}

/// Makes the new secret take over now.
///
/// # Errors
/// 404; 409 when there is none.
pub async fn complete_rotation(tx: &mut Tx, act: &Act, id: &str) -> Result<WebhookEndpoint, Failure> {
    let mut endpoint = held(tx, act, id).await?;
    match &mut endpoint.secrets.next {
        Some((_, from)) if act.now < *from => *from = act.now,
        _ => return Err(Failure::conflict("no_rotation_in_progress", "No secret rotation is in progress.")),
    }
    store_secrets(tx, act, &mut endpoint).await?;
    Ok(endpoint)
}

/// Makes a given secret take over now; returns `false` when it is the current one. The previous one also signs for
/// [`OVERLAP`] where a request can carry two signatures.
///
/// # Errors
/// 404.
pub async fn take_secret(tx: &mut Tx, act: &Act, id: &str, brought: &Secret) -> Result<bool, Failure> {
    let mut endpoint = held(tx, act, id).await?;
    let known = secrets(&act.keyring, act.environment_id, &endpoint)?;
    let same = |one: &Secret| verify_slices_are_equal(one.expose().as_bytes(), brought.expose().as_bytes()).is_ok();
    if same(known.current(act.now)) {
        return Ok(false);
    }
    let current = endpoint.secrets.current(act.now).clone();
    endpoint.secrets = Rotation { secret: current, next: Some((sealed(act, endpoint.id, brought)?, act.now)) };
    store_secrets(tx, act, &mut endpoint).await?;
    Ok(true)
}

async fn store_secrets(tx: &mut Tx, act: &Act, endpoint: &mut WebhookEndpoint) -> Result<(), Failure> {
    endpoint.updated_at = act.now;
    let key = (act.environment_id, endpoint.id);
    Ok(webhook_endpoint::set_secrets(tx, key, &endpoint.secrets, act.now).await?)
}

fn only_enabled(endpoint: &WebhookEndpoint) -> Result<(), Failure> {
    if endpoint.status == WebhookStatus::Enabled {
        return Ok(());
    }
    Err(Failure::conflict("endpoint_disabled", "The webhook endpoint is disabled. Enable it first."))
}

/// Sends events again, from one on until another, or until now.
///
/// # Errors
/// 404; 400 `event_not_found`; 409 for a disabled endpoint, or while a replay is in progress.
pub async fn replay(tx: &mut Tx, act: &Act, id: &str, from: EventId, until: Option<EventId>) -> Result<(), Failure> {
    let endpoint = held(tx, act, id).await?;
    only_enabled(&endpoint)?;
    let key = (act.environment_id, endpoint.id);
    if webhook_endpoint::replay(tx, key).await?.is_some() {
        return Err(Failure::conflict("replay_in_progress", "Events are being sent again already."));
    }
    let first = event::position(tx, act.environment_id, from).await?.ok_or_else(|| cursor_not_found(from))?;
    let last = match until {
        Some(id) => event::position(tx, act.environment_id, id).await?.ok_or_else(|| cursor_not_found(id))?,
        None => event::head(tx).await?,
    };
    if first <= last {
        webhook_endpoint::set_replay(tx, key, Some((first, last))).await?;
    }
    Ok(())
}

/// Creates the deliveries of the next events of a replay.
///
/// # Errors
/// Database errors.
pub async fn go_on_replaying(tx: &mut Tx, key: Key, now: Timestamp) -> Result<(), Failure> {
    if !webhook_endpoint::lock(tx, key).await? {
        return Ok(());
    }
    let Some((from, until)) = webhook_endpoint::replay(tx, key).await? else { return Ok(()) };
    let next = webhook_delivery::replay(tx, key, (from, until), TRIES, now).await?;
    Ok(webhook_endpoint::set_replay(tx, key, next.map(|next| (next, until))).await?)
}

/// Deletes some of what was pending when an endpoint was enabled; returns `true` when that was the last of it.
///
/// # Errors
/// Database errors.
pub async fn go_on_dropping(tx: &mut Tx, key: Key) -> Result<bool, Failure> {
    if !webhook_endpoint::lock(tx, key).await? {
        return Ok(false);
    }
    let Some(through) = webhook_endpoint::drops(tx, key).await? else { return Ok(false) };
    let done = webhook_delivery::drop_some_through(tx, key, through).await? < STEP;
    if done {
        webhook_endpoint::set_drops(tx, key, None).await?;
    }
    Ok(done)
}

/// Deletes some of the remaining deliveries of a disabled or deleted endpoint, and a deleted endpoint itself once
/// nothing is left. An endpoint that was enabled in the meantime is left alone.
///
/// # Errors
/// Database errors.
pub async fn go_on_ending(tx: &mut Tx, key: Key) -> Result<(), Failure> {
    let Some(deleted) = webhook_endpoint::lock_ended(tx, key).await? else { return Ok(()) };
    if webhook_delivery::drop_some(tx, key, deleted).await? < STEP && deleted {
        webhook_endpoint::forget(tx, key).await?;
    }
    Ok(())
}

/// Gives up some deliveries to an endpoint that have waited too long for their first attempt; returns how many.
///
/// # Errors
/// Database errors.
pub async fn expire_some(tx: &mut Tx, key: Key, now: Timestamp) -> Result<u64, Failure> {
    if !webhook_endpoint::lock(tx, key).await? {
        return Ok(0);
    }
    Ok(webhook_delivery::expire(tx, key, now.plus_secs(-MAX_WAIT_LENGTH), TRIES, now).await?)
}

/// Releases the first delivery about a subject, if none is released.
///
/// # Errors
/// Database errors.
pub async fn release(tx: &mut Tx, key: Key, subject: &str, now: Timestamp) -> Result<bool, Failure> {
    Ok(webhook_endpoint::lock(tx, key).await? && webhook_delivery::release(tx, key, subject, now).await?)
}

/// Sends an event again whose delivery to an endpoint exists.
///
/// # Errors
/// 404; 409 for an endpoint that is disabled, or was enabled a moment ago.
pub async fn resend(tx: &mut Tx, act: &Act, id: &str, event_id: &str) -> Result<(), Failure> {
    let endpoint = held(tx, act, id).await?;
    let key = (act.environment_id, endpoint.id);
    let missing = || Failure::not_found("Webhook delivery", event_id);
    let event_id = EventId::parse(event_id).map_err(|_| missing())?;
    webhook_delivery::find(tx, key, event_id).await?.ok_or_else(missing)?;
    only_enabled(&endpoint)?;
    if webhook_endpoint::drops(tx, key).await?.is_some() {
        let message = "Deliveries that were queued when the webhook endpoint was disabled are still being discarded. Try again soon.";
        return Err(Failure::conflict("deliveries_being_dropped", message));
    }
    Ok(webhook_delivery::again(tx, key, event_id, TRIES, act.now).await?)
}

/// The outcome of an attempt for the delivery and its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was delivered.
    Delivered,
    /// It will be retried.
    Retried,
    /// It failed, with no attempts left.
    Failed,
    /// The endpoint was disabled automatically, after failures or a 410 response.
    GivenUp,
    /// There was nothing to record: the delivery was deleted or disabled, or another node was faster.
    Overtaken,
}

/// Records an attempt and its consequences for the delivery and its endpoint.
///
/// # Errors
/// Database errors.
pub async fn settle(tx: &mut Tx, act: &Act, claimed: &Claimed, attempt: &WebhookAttempt) -> Result<Settled, Failure> {
    let key = claimed.key;
    if attempt.outcome.is_success() {
        webhook_endpoint::succeeded(tx, key, &attempt.endpoint_url).await?;
        if !webhook_delivery::settle(tx, claimed, DeliveryState::Delivered, act.now).await? {
            return Ok(Settled::Overtaken);
        }
        webhook_attempt::insert(tx, key, claimed.event_id, attempt).await?;
        return Ok(Settled::Delivered);
    }
    // It was sent to a previous URL of this endpoint, which says nothing about the current one.
    let known = if webhook_endpoint::lock(tx, key).await? { webhook_endpoint::find(tx, key).await? } else { None };
    let elsewhere = |known: &WebhookEndpoint| known.endpoint_url != attempt.endpoint_url;
    if known.is_some_and(|known| known.status == WebhookStatus::Enabled && elsewhere(&known)) {
        if !webhook_delivery::retry(tx, claimed, act.now).await? {
            return Ok(Settled::Overtaken);
        }
        webhook_attempt::insert(tx, key, claimed.event_id, attempt).await?;
        return Ok(Settled::Retried);
    }
    let Some((failures, since)) = webhook_endpoint::failed(tx, key, act.now).await? else {
        return Ok(Settled::Overtaken);
    };
    let chance = u64::from_be_bytes(act.entropy.bytes()?);
    let (noted, settled) = match next_try(claimed.remaining, act.now, chance) {
        Some(at) => (webhook_delivery::retry(tx, claimed, at).await?, Settled::Retried),
        None => (webhook_delivery::settle(tx, claimed, DeliveryState::Failed, act.now).await?, Settled::Failed),
    };
    if noted {
        webhook_attempt::insert(tx, key, claimed.event_id, attempt).await?;
    }
    let reason = if attempt.outcome.is_gone() {
        Some(GONE)
    } else {
        is_given_up(failures, since, act.now).then_some(NO_SUCCESS)
    };
    if let Some(reason) = reason {
        give_up(tx, act, key, reason).await?;
        return Ok(Settled::GivenUp);
    }
    if let Some(until) = breather(failures, act.now) {
        webhook_endpoint::rest(tx, key, until).await?;
    }
    Ok(if noted { settled } else { Settled::Overtaken })
}

/// Ends a delivery whose event no longer exists. That says nothing about the endpoint.
///
/// # Errors
/// Database errors.
pub async fn settle_empty(
    tx: &mut Tx,
    now: Timestamp,
    claimed: &Claimed,
    attempt: &WebhookAttempt,
) -> Result<Settled, Failure> {
    if !webhook_endpoint::lock(tx, claimed.key).await?
        || !webhook_delivery::settle(tx, claimed, DeliveryState::Failed, now).await?
    {
        return Ok(Settled::Overtaken);
    }
    webhook_attempt::insert(tx, claimed.key, claimed.event_id, attempt).await?;
    Ok(Settled::Failed)
}

async fn give_up(tx: &mut Tx, act: &Act, key: Key, reason: &'static str) -> Result<(), Failure> {
    webhook_endpoint::disable(tx, key, Some(reason), act.now).await?;
    // A job deletes the rest.
    webhook_delivery::drop_some(tx, key, false).await?;
    match webhook_endpoint::find(tx, key).await? {
        Some(endpoint) => events::record(tx, act, DISABLED, None, &webhook_endpoint_event_view(&endpoint)).await,
        None => Ok(()),
    }
}
