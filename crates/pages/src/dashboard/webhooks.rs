use askama::Template;

use super::{Pager, Shell};

/// An endpoint in the list.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// The URL of its page.
    pub href: String,
    /// The URL that events are sent to.
    pub url: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Whether it was disabled because deliveries kept failing.
    pub given_up: bool,
    /// The number of event types it subscribes to, in words.
    pub events: String,
    /// The latest delivery, sent or pending.
    pub last: Option<DeliveryRow>,
}

/// The delivery of an event to an endpoint, sent or pending.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// The URL of its page.
    pub href: String,
    /// The event's ID.
    pub event_id: String,
    /// The event's name.
    pub event: String,
    /// The tone of the state: `good`, `bad`, `warn` or empty.
    pub tone: &'static str,
    /// The state, in words.
    pub state: &'static str,
    /// The number of attempts.
    pub tries: i64,
    /// When it was created, in words.
    pub time: String,
    /// When it is attempted next, in words.
    pub next: Option<String>,
}

/// The endpoints of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhooks.html")]
pub struct Webhooks<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [WebhookRow],
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}

/// An event type that can be ticked.
#[derive(Clone, Debug)]
pub struct EventTick {
    /// Its name.
    pub name: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// Event types whose names begin with the same word.
#[derive(Clone, Debug)]
pub struct EventGroup {
    /// The common word.
    pub name: String,
    /// The events.
    pub events: Vec<EventTick>,
}

/// The stored or typed settings of an endpoint.
#[derive(Clone, Debug)]
pub struct EndpointFields<'a> {
    /// The URL that events are sent to.
    pub url: &'a str,
    /// Whether it subscribes to all event types.
    pub all: bool,
    /// The available event types.
    pub groups: &'a [EventGroup],
    /// The number of available event types.
    pub count: usize,
}

/// A new endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_webhook.html")]
pub struct NewWebhook<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The typed settings.
    pub fields: EndpointFields<'a>,
}

/// The secrets of an endpoint, shown only to developers and above.
#[derive(Clone, Debug)]
pub struct EndpointSecrets<'a> {
    /// The current signing secret.
    pub current: &'a str,
    /// The next secret, and when it takes over.
    pub next: Option<(&'a str, String)>,
}

/// The settings of an endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook_settings.html")]
pub struct WebhookSettings<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of the endpoint's page.
    pub href: &'a str,
    /// The current URL that events are sent to.
    pub url: &'a str,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The stored or typed settings.
    pub fields: EndpointFields<'a>,
    /// Its secrets, if the reader may see them.
    pub secrets: Option<EndpointSecrets<'a>>,
}
