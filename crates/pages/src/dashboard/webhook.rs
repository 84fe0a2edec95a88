use askama::Template;

use super::{DeliveryRow, EndpointSecrets, Pager, Shell};

/// A delivery attempt.
#[derive(Clone, Debug)]
pub struct Try {
    /// Its number.
    pub number: i64,
    /// When it was made, in words.
    pub time: String,
    /// The same, machine-readable.
    pub moment: String,
    /// How long it took, in words.
    pub took: String,
    /// Whether it succeeded.
    pub good: bool,
    /// The response status, or why there was none.
    pub said: String,
    /// The URL it was sent to, if it differs from the current one.
    pub elsewhere: Option<String>,
    /// The signature headers, for readers who may see secrets; empty if the endpoint has changed since.
    pub signatures: Vec<(String, String)>,
    /// The response headers.
    pub headers: String,
    /// The beginning of the response body.
    pub body: String,
}

/// An endpoint and its deliveries.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook.html")]
pub struct Webhook<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of its page.
    pub href: &'a str,
    /// The URL that events are sent to.
    pub url: &'a str,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Why it is disabled, if nobody disabled it.
    pub reason: Option<&'a str>,
    /// How many of the latest deliveries failed and since when, in words.
    pub failing: Option<String>,
    /// The event types it subscribes to, in words.
    pub events: String,
    /// Its secrets, if the reader may see them.
    pub secrets: Option<EndpointSecrets<'a>>,
    /// Whether a replay is in progress.
    pub replaying: bool,
    /// The result of a test.
    pub tested: Option<&'a Try>,
    /// The state to filter by: `pending`, `delivered` or `failed`; empty for all.
    pub state: &'static str,
    /// The deliveries, newest first.
    pub rows: &'a [DeliveryRow],
    /// Whether the page updates itself.
    pub live: bool,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
    /// The typed event to start a replay from.
    pub typed_event: &'a str,
    /// The typed time to start a replay from.
    pub typed_moment: &'a str,
}

/// One event's delivery to an endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook_delivery.html")]
pub struct WebhookDelivery<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of the endpoint's page.
    pub endpoint: &'a str,
    /// The URL that events are sent to.
    pub url: &'a str,
    /// Whether the endpoint is enabled.
    pub enabled: bool,
    /// The state of the delivery.
    pub row: &'a DeliveryRow,
    /// When it was delivered or given up, in words.
    pub settled: Option<String>,
    /// The request body, pretty-printed and as sent. `None` if the event is no longer stored.
    pub body: Option<(&'a str, &'a str)>,
    /// The attempts, newest first.
    pub tries: &'a [Try],
    /// Whether the page updates itself.
    pub live: bool,
}
