//! `/metrics`: Prometheus text. On the main listener it is available from this machine only; `operations_listen` gives
//! it a separate listener.

use crate::app::App;
use crate::http::connections::Refused;
use crate::http::peer::Peer;
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_protocol::management::error::ApiError;
use http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

fn histogram() -> Histogram {
    Histogram::new([0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0])
}

/// The result of an attempt to deliver an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum WebhookOutcome {
    /// It was delivered.
    Delivered,
    /// It will be retried.
    Retried,
    /// The attempts are used up.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    outcome: WebhookOutcome,
}

/// The result of an attempt to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum MailOutcome {
    /// The mail server accepted it.
    Sent,
    /// It will be retried.
    Retried,
    /// It was rejected permanently, its attempts are used up, or it has expired.
    GivenUp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailLabels {
    outcome: MailOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: Refused,
}

/// The metrics of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    connections_refused: Family<RefusedLabels, Counter>,
    /// Access tokens issued.
    pub tokens_issued: Counter,
    mail_attempts: Family<MailLabels, Counter>,
    webhook_attempts: Family<WebhookLabels, Counter>,
    /// Webhook endpoints that were disabled automatically.
    pub webhook_endpoints_disabled: Counter,
    /// Pending webhook deliveries across all environments, as of the last round of maintenance.
    pub webhook_deliveries_pending: Gauge,
    /// How often an audit log could not be extended or pruned, which may indicate tampering.
    pub audit_log_failures: Counter,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one route, looked up once.
#[derive(Debug, Clone)]
pub struct RouteCounters {
    classes: [Counter; 5],
    duration: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("countersign");
        let requests = Family::default();
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(histogram);
        let tokens_issued = Counter::default();
        registry.register("http_requests", "Requests answered, by route and status class", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to answer, by route",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("tokens_issued", "Access tokens issued", tokens_issued.clone());
        let connections_refused = Family::default();
        registry.register("connections_refused", "Connections turned away, by reason", connections_refused.clone());
        let mail_attempts = Family::default();
        registry.register("mail_attempts", "Messages handed to the mail server, by outcome", mail_attempts.clone());
        let webhook_attempts = Family::default();
        registry.register(
            "webhook_attempts",
            "Requests to endpoints of webhooks, by outcome",
            webhook_attempts.clone(),
        );
        let webhook_endpoints_disabled = Counter::default();
        let given_up = "Endpoints of webhooks that were given up";
        registry.register("webhook_endpoints_disabled", given_up, webhook_endpoints_disabled.clone());
        let webhook_deliveries_pending = Gauge::default();
        let pending = "Events on their way to endpoints of webhooks, counted up to 10,000";
        registry.register("webhook_deliveries_pending", pending, webhook_deliveries_pending.clone());
        let audit_log_failures = Counter::default();
        registry.register(
            "audit_log_failures",
            "Times an audit log could not be made longer or pruned; it may have been tampered with",
            audit_log_failures.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            connections_refused,
            tokens_issued,
            audit_log_failures,
            mail_attempts,
            webhook_attempts,
            webhook_endpoints_disabled,
            webhook_deliveries_pending,
        }
    }
}

impl Metrics {
    /// Counts an attempt to send a message.
    pub fn mail_attempt(&self, outcome: MailOutcome) {
        self.mail_attempts.get_or_create_owned(&MailLabels { outcome }).inc();
    }

    /// Counts a request to a webhook endpoint.
    pub fn webhook_attempt(&self, outcome: WebhookOutcome) {
        self.webhook_attempts.get_or_create_owned(&WebhookLabels { outcome }).inc();
    }

    /// Counts a rejected connection.
    pub fn connection_refused(&self, reason: Refused) {
        self.connections_refused.get_or_create_owned(&RefusedLabels { reason }).inc();
    }

    /// Returns the counters of a route.
    pub fn route(&self, route: &str) -> RouteCounters {
        let counter = |status| self.requests.get_or_create_owned(&RequestLabels { route: route.to_owned(), status });
        RouteCounters {
            classes: CLASSES.map(counter),
            duration: self.durations.get_or_create_owned(&RouteLabels { route: route.to_owned() }),
        }
    }
}

impl RouteCounters {
    /// Counts a response.
    pub fn observe(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        if let Some(counter) = self.classes.get(class) {
            counter.inc();
        }
        self.duration.observe(took.as_secs_f64());
    }
}

/// Serves the metrics of the process.
pub async fn metrics(app: Arc<App>, peer: Peer) -> Reply {
    if app.separate_operations || !peer.local {
        return crate::http::error::api(&ApiError::NoSuchPath);
    }
    text(&app)
}

/// Serves the metrics on the operator's own listener.
pub async fn metrics_for_operator(app: Arc<App>, _: Peer) -> Reply {
    text(&app)
}

fn text(app: &App) -> Reply {
    let mut text = String::new();
    if encode(&mut text, &app.metrics.registry).is_err() {
        return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let kind = http::HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let mut reply = Reply::empty(StatusCode::OK).with(http::header::CONTENT_TYPE, kind);
    reply.body = Bytes::from(text);
    reply
}
