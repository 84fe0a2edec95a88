//! Sends events to the endpoints that want them.
//!
//! Any number of nodes do so: each takes deliveries that are due by one statement, for as long as a request may last, and
//! settles them afterwards. One that dies in between leaves them to be taken again.
//!
//! Endpoints take turns. Each may always have one request on its way, so none that is slow or dead keeps another waiting; more
//! only as it takes them, one more with each, and there are so many places for what is more than one, of which an environment
//! has a share.

use crate::app::App;
use crate::domain::webhooks::requests::{PATIENCE, send};
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

/// How often it is looked for deliveries that have become due.
const LOOK: Duration = Duration::from_millis(200);
/// Most requests of this node on their way at once. It is that many endpoints of one node that would have to be slow together.
const PLACES: usize = 1024;
/// Most requests to one endpoint at once.
const OF_ENDPOINT: usize = 16;
/// Most that are more than the first of their endpoints: in all, and of one environment.
const MORE: usize = 128;
const MORE_OF_ENVIRONMENT: usize = 48;
/// How many deliveries an endpoint is given in its turn.
const TURN: usize = 8;
/// For how long a node has a delivery, in seconds: the database may be slow, too.
const LEASE: i64 = 2 * PATIENCE;
/// How long a stop waits for requests on their way.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends until `stop` becomes true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut dispatcher = Dispatcher::new(app);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // As all jobs, only while the database answers.
            _ = ticks.tick() => if dispatcher.app.freshness.is_current_at(Instant::now()) {
                dispatcher.look().await;
            },
            Some(ended) = dispatcher.sending.join_next_with_id() => dispatcher.ended(ended),
            () = super::until_stopped(&mut stop) => break,
        }
        dispatcher.dispatch().await;
    }
    // What does not end by then is sent again.
    let _ = tokio::time::timeout(FAREWELL, async { while dispatcher.sending.join_next().await.is_some() {} }).await;
}

/// The deliveries to one endpoint that are being sent.
#[derive(Debug)]
struct Lane {
    sending: usize,
    /// How many may be on their way at once.
    most: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self { sending: 0, most: 1 }
    }
}

/// Whether a request of an endpoint has failed, or the failure of ours that kept it from being made.
type Ended = Result<bool, Failure>;

struct Dispatcher {
    app: Arc<App>,
    /// Whose turn it is: endpoints that have deliveries that are due, each once.
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

    /// Looks who has something that is due.
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
        // Mostly nothing is due, and this is the smaller question.
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

    /// A request has ended: its place is free, and there may be more for the endpoint.
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
            // The next round knows whether there is to be a pause.
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

    /// How many requests to an endpoint may begin.
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

    /// Gives endpoints their turns while there are places.
    async fn dispatch(&mut self) {
        while self.sending.len() < PLACES
            && let Some(key) = self.turns.pop_front()
        {
            self.waiting.remove(&key);
            // One that has no place now comes back when one of its requests has ended, or in the next round.
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

/// Sends one event to one endpoint, and notes what came of it; gives whether it has failed.
async fn deliver(app: Arc<App>, claimed: Claimed, lease: Timestamp) -> Ended {
    let (environment_id, _) = claimed.key;
    let Some(environment) = app.environments().get(environment_id).cloned() else { return Ok(false) };
    let mut reader = app.store.reader().await?;
    let endpoint = webhook_endpoint::find(&mut reader, claimed.key).await?;
    let event = event::find(&mut reader, environment_id, claimed.event_id).await?;
    drop(reader);
    // It may have been disabled since this was taken.
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status == WebhookStatus::Enabled) else {
        return Ok(false);
    };
    let (attempted_at, began) = (app.clock.now(), Instant::now());
    let empty = event.is_none();
    let outcome = match event {
        // Another node may have it before the answer is here.
        _ if lease.plus_secs(-PATIENCE) < attempted_at => return Ok(false),
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

/// Where a URL leads. The rest of it may be a secret.
fn host(url: &str) -> String {
    Target::parse(url, Reach::Anywhere).map(|target| target.host().to_owned()).unwrap_or_default()
}

/// Tells the operator.
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
