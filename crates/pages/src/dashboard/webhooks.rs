use askama::Template;

use super::{Pager, Shell};

/// An endpoint of the list.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// Its page.
    pub href: String,
    /// Where events are sent.
    pub url: String,
    /// Whether any are.
    pub enabled: bool,
    /// Whether it was disabled because it took nothing.
    pub given_up: bool,
    /// How many kinds of events, in words.
    pub events: String,
    /// The last thing that was sent, or is to be.
    pub last: Option<DeliveryRow>,
}

/// Something that was sent to an endpoint, or is to be.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// Its page.
    pub href: String,
    /// The event's identifier.
    pub event_id: String,
    /// The event's name.
    pub event: String,
    /// How the state looks: `good`, `bad`, `warn` or nothing.
    pub tone: &'static str,
    /// The state, in words.
    pub state: &'static str,
    /// How often it was tried.
    pub tries: i64,
    /// Since when.
    pub time: String,
    /// When it is tried next, in words.
    pub next: Option<String>,
}

/// The endpoints of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhooks.html")]
pub struct Webhooks<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [WebhookRow],
    /// Where to go from here.
    pub pager: &'a Pager,
}

/// An event that can be ticked.
#[derive(Clone, Debug)]
pub struct EventTick {
    /// Its name.
    pub name: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// Events whose names begin with the same word.
#[derive(Clone, Debug)]
pub struct EventGroup {
    /// The word.
    pub name: String,
    /// The events.
    pub events: Vec<EventTick>,
}

/// What is chosen for an endpoint, or was typed and not taken.
#[derive(Clone, Debug)]
pub struct EndpointFields<'a> {
    /// Where events are sent.
    pub url: &'a str,
    /// Whether all events are.
    pub all: bool,
    /// Which events there are.
    pub groups: &'a [EventGroup],
    /// How many there are.
    pub count: usize,
}

/// A new endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_webhook.html")]
pub struct NewWebhook<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What was typed.
    pub fields: EndpointFields<'a>,
}

/// The secrets of an endpoint; nobody less than a developer sees them.
#[derive(Clone, Debug)]
pub struct EndpointSecrets<'a> {
    /// The one that signs.
    pub current: &'a str,
    /// The one that takes over, and when.
    pub next: Option<(&'a str, String)>,
}

/// The settings of an endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook_settings.html")]
pub struct WebhookSettings<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// The page of the endpoint.
    pub href: &'a str,
    /// Where events are sent now.
    pub url: &'a str,
    /// Whether any are.
    pub enabled: bool,
    /// What is chosen.
    pub fields: EndpointFields<'a>,
    /// Its secrets.
    pub secrets: Option<EndpointSecrets<'a>>,
}
