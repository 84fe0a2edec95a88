//! Sends events to webhook endpoints.
//!
//! Any number of nodes can do so: each claims due deliveries in one statement, for as long as a request may last, and
//! settles them afterwards. The deliveries of a node that dies in between are claimed again.
//!
//! Endpoints take turns. Each can always have one request in flight, so a slow or dead endpoint holds up no other. Its
//! concurrency grows by one with each success, and the requests beyond the first of each endpoint are limited overall
//! and per environment.

use crate::app::App;
use crate::domain::webhooks::requests::{TIMEOUT, send};
use crate::domain::webhooks::{Settled, settle, settle_empty};
use crate::domain::{Act, Failure};
use crate::operations::metrics::WebhookOutcome;
use countersign_protocol::management::events::event_view;
use countersign_protocol::model::{Actor, AttemptOutcome, WebhookAttempt, WebhookStatus};
use countersign_protocol::outbound::{Reach, Target};
use countersign_protocol::time::Timestamp;
use countersign_store::event;
use countersign_store::webhook_delivery::{self, Claimed};
use countersign_store::webhook_endpoint::{self, Key};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

/// How often to check for due deliveries.
const LOOK: Duration = Duration::from_millis(200);
/// The maximum number of requests that this node has in flight. That many endpoints would have to be slow at once to
/// block it.
const PLACES: usize = 1024;
/// The maximum number of concurrent requests to one endpoint.
const OF_ENDPOINT: usize = 16;
/// The maximum number of requests beyond the first of each endpoint: overall, and for one environment.
const MORE: usize = 128;
const MORE_OF_ENVIRONMENT: usize = 48;
/// The number of deliveries that an endpoint gets per turn.
const TURN: usize = 8;
/// How long a node holds a delivery, in seconds. The database can be slow too.
const LEASE: i64 = 2 * TIMEOUT;
/// How long shutdown waits for requests in flight.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends deliveries until `stop` becomes true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut dispatcher = Dispatcher::new(app);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Like all jobs, only while the database is reachable.
            _ = ticks.tick() => if dispatcher.app.freshness.is_current_at(Instant::now()) {
                dispatcher.look().await;
            },
            Some(ended) = dispatcher.sending.join_next_with_id() => dispatcher.ended(ended),
            () = super::until_stopped(&mut stop) => break,
        }
        dispatcher.dispatch().await;
    }
    // Requests that have not ended by then are sent again.
    let _ = tokio::time::timeout(FAREWELL, async { while dispatcher.sending.join_next().await.is_some() {} }).await;
}

/// The deliveries to one endpoint that are being sent.
#[derive(Debug)]
struct Lane {
    sending: usize,
    /// The current limit on concurrent requests.
    most: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self { sending: 0, most: 1 }
    }
}

/// Whether a request to an endpoint failed, or the internal failure that kept it from being sent.
type Ended = Result<bool, Failure>;

struct Dispatcher {
    app: Arc<App>,
    /// The endpoints with due deliveries in order of their turns, each once.
    turns: VecDeque<Key>,
    waiting: HashSet<Key>,
    lanes: HashMap<Key, Lane>,
    sending: JoinSet<Ended>,
    endpoint_of: HashMap<Id, Key>,
}

impl Dispatcher {
    fn new(app: Arc<App>) -> Self {
        Self {
            app,
            turns: VecDeque::new(),
            waiting: HashSet::new(),
            lanes: HashMap::new(),
            sending: JoinSet::new(),
            endpoint_of: HashMap::new(),
        }
    }

    /// Finds the endpoints with due deliveries.
    async fn look(&mut self) {
        match self.due().await {
            Ok(due) => {
                for key in due {
                    self.line_up(key);
                }
                self.lanes.retain(|key, lane| lane.sending > 0 || self.waiting.contains(key));
            }
            Err(failure) => tracing::warn!(%failure, "webhooks could not be sent; the next round tries again"),
        }
    }

    async fn due(&self) -> Result<Vec<Key>, Failure> {
        let (mut reader, now) = (self.app.store.reader().await?, self.app.clock.now());
        // Usually nothing is due, and this query is cheaper.
        if !webhook_delivery::is_due(&mut reader, now).await? {
            return Ok(Vec::new());
        }
        Ok(webhook_endpoint::due(&mut reader, now).await?)
    }

    fn line_up(&mut self, key: Key) {
        if self.waiting.insert(key) {
            self.turns.push_back(key);
        }
    }

    /// Handles the end of a request: its slot is free, and the endpoint may have more deliveries.
    fn ended(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err(Failure::internal(error))),
        };
        let Some(key) = self.endpoint_of.remove(&id) else { return };
        let lane = self.lanes.entry(key).or_default();
        lane.sending = lane.sending.saturating_sub(1);
        match outcome {
            Ok(false) => lane.most = OF_ENDPOINT.min(lane.most + 1),
            // The next round finds out whether there is a pause.
            Ok(true) => {
                lane.most = 1;
                return;
            }
            Err(failure) => {
                tracing::warn!(%failure, "an event could not be sent to a webhook; it is sent again");
                return;
            }
        }
        self.line_up(key);
    }

    /// Returns how many requests to an endpoint may start now.
    fn free(&self, key: Key) -> usize {
        let places = PLACES.saturating_sub(self.sending.len());
        let Some(lane) = self.lanes.get(&key) else { return places.min(1) };
        let (mut more, mut more_of_environment) = (0, 0);
        for ((environment, _), lane) in &self.lanes {
            let beyond = lane.sending.saturating_sub(1);
            more += beyond;
            more_of_environment += if *environment == key.0 { beyond } else { 0 };
        }
        let first = usize::from(lane.sending == 0);
        let room = MORE.saturating_sub(more).min(MORE_OF_ENVIRONMENT.saturating_sub(more_of_environment));
        lane.most.saturating_sub(lane.sending).min(first + room).min(places)
    }

    /// Gives endpoints their turns while there are free slots.
    async fn dispatch(&mut self) {
        while self.sending.len() < PLACES
            && let Some(key) = self.turns.pop_front()
        {
            self.waiting.remove(&key);
            // An endpoint without a free slot returns when one of its requests ends, or in the next round.
            let most = self.free(key).min(TURN);
            if most == 0 {
                continue;
            }
            match self.claim(key, most).await {
                Ok(claimed) => {
                    if claimed.len() == most {
                        self.line_up(key);
                    }
                    for (claimed, lease) in claimed {
                        self.lanes.entry(key).or_default().sending += 1;
                        let begun = self.sending.spawn(deliver(Arc::clone(&self.app), claimed, lease));
                        self.endpoint_of.insert(begun.id(), key);
                    }
                }
                Err(failure) => tracing::warn!(%failure, "webhooks could not be sent; the next round tries again"),
            }
        }
    }

    async fn claim(&self, key: Key, most: usize) -> Result<Vec<(Claimed, Timestamp)>, Failure> {
        let now = self.app.clock.now();
        let lease = now.plus_secs(LEASE);
        let claimed = self.app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { Ok(webhook_delivery::claim(tx, key, now, lease, most).await?) })
        });
        Ok(claimed.await?.into_iter().map(|claimed| (claimed, lease)).collect())
    }
}

/// Sends one event to one endpoint and records the result. Returns whether it failed.
async fn deliver(app: Arc<App>, claimed: Claimed, lease: Timestamp) -> Ended {
    let (environment_id, _) = claimed.key;
    let Some(environment) = app.environments().get(environment_id).cloned() else { return Ok(false) };
    let mut reader = app.store.reader().await?;
    let endpoint = webhook_endpoint::find(&mut reader, claimed.key).await?;
    let event = event::find(&mut reader, environment_id, claimed.event_id).await?;
    drop(reader);
    // The endpoint may have been disabled since the delivery was claimed.
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status == WebhookStatus::Enabled) else {
        return Ok(false);
    };
    let (attempted_at, began) = (app.clock.now(), Instant::now());
    let empty = event.is_none();
    let outcome = match event {
        // Another node could claim the delivery before the response arrives.
        _ if lease.plus_secs(-TIMEOUT) < attempted_at => return Ok(false),
        Some(event) => {
            let message = (event.id, event_view(&event).to_string());
            let means = (&app.outbound, app.keyring.as_ref());
            send(means, &environment.environment, &endpoint, message, attempted_at).await?
        }
        None => AttemptOutcome::Nothing("the event is no longer kept".to_owned()),
    };
    let attempt = WebhookAttempt {
        number: claimed.number,
        attempted_at,
        milliseconds: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
        endpoint_url: endpoint.endpoint_url.clone(),
        outcome,
    };
    let act =
        Act::new(&environment.environment, Actor::System { job: "webhooks" }, &app.clock, &app.entropy, &app.keyring);
    let noted = attempt.clone();
    let settled = app
        .store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                if empty {
                    return settle_empty(tx, act.now, &claimed, &noted).await;
                }
                settle(tx, &act, &claimed, &noted).await
            })
        })
        .await?;
    tell(&app, &claimed, &attempt, settled);
    Ok(!empty && !attempt.outcome.is_success())
}

/// Returns the host of a URL. The rest of it may contain a secret.
fn host(url: &str) -> String {
    Target::parse(url, Reach::Anywhere).map(|target| target.host().to_owned()).unwrap_or_default()
}

/// Records the result in the metrics and the operator's log.
fn tell(app: &App, claimed: &Claimed, attempt: &WebhookAttempt, settled: Settled) {
    let endpoint = claimed.key.1;
    let why = match &attempt.outcome {
        AttemptOutcome::Answered { status, .. } => status.to_string(),
        AttemptOutcome::Nothing(error) => error.clone(),
    };
    match settled {
        Settled::Delivered => app.metrics.webhook_attempt(WebhookOutcome::Delivered),
        Settled::Retried => {
            app.metrics.webhook_attempt(WebhookOutcome::Retried);
            tracing::debug!(%endpoint, event = %claimed.event_id, why, "a webhook did not take an event");
        }
        Settled::Failed => {
            app.metrics.webhook_attempt(WebhookOutcome::Failed);
            tracing::warn!(%endpoint, event = %claimed.event_id, why, "a webhook is not sent an event any more");
        }
        Settled::GivenUp => {
            app.metrics.webhook_attempt(WebhookOutcome::Failed);
            app.metrics.webhook_endpoints_disabled.inc();
            let host = host(&attempt.endpoint_url);
            tracing::warn!(%endpoint, host, why, "a webhook was given up: it is sent nothing any more");
        }
        Settled::Overtaken => {}
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn only_the_host_of_a_url_is_told() {
        for (url, expected) in [
            ("https://hooks.example.com:8443/T0/B0/secret?key=secret", "hooks.example.com"),
            ("http://localhost:9/x", "localhost"),
            ("https://[2606:4700::1111]/x", "2606:4700::1111"),
            ("no url", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
