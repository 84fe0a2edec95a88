use askama::Template;

use super::{DeliveryRow, EndpointSecrets, Pager, Shell};

/// A try to send something.
#[derive(Clone, Debug)]
pub struct Try {
    /// Which it was.
    pub number: i64,
    /// When, in words.
    pub time: String,
    /// The same for programs.
    pub moment: String,
    /// How long it took, in words.
    pub took: String,
    /// Whether it has arrived.
    pub good: bool,
    /// The status, or why there was none.
    pub said: String,
    /// Where it went, when that is not where it would go now.
    pub elsewhere: Option<String>,
    /// The headers it was signed with, for those who see secrets; none where the secret has changed since.
    pub signatures: Vec<(String, String)>,
    /// The headers of the answer.
    pub headers: String,
    /// The beginning of the answer.
    pub body: String,
}

/// An endpoint and what was sent to it.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook.html")]
pub struct Webhook<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Its page.
    pub href: &'a str,
    /// Where events are sent.
    pub url: &'a str,
    /// Whether any are.
    pub enabled: bool,
    /// Why not, when nobody has asked for that.
    pub reason: Option<&'a str>,
    /// How often it has refused what came, in words.
    pub failing: Option<String>,
    /// Which events, in words.
    pub events: String,
    /// Its secrets.
    pub secrets: Option<EndpointSecrets<'a>>,
    /// Whether events are being sent again.
    pub replaying: bool,
    /// What a test has come to.
    pub tested: Option<&'a Try>,
    /// Of which state those are that are shown: `pending`, `delivered` or `failed`; empty for all.
    pub state: &'static str,
    /// What was sent, newest first.
    pub rows: &'a [DeliveryRow],
    /// Whether new ones appear by themselves.
    pub live: bool,
    /// Where to go from here.
    pub pager: &'a Pager,
    /// What was typed as the first event to send again.
    pub typed_event: &'a str,
    /// What was typed as the moment from which events are sent again.
    pub typed_moment: &'a str,
}

/// One event, as it was sent to an endpoint.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/webhook_delivery.html")]
pub struct WebhookDelivery<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// The page of the endpoint.
    pub endpoint: &'a str,
    /// Where events are sent.
    pub url: &'a str,
    /// Whether any are.
    pub enabled: bool,
    /// What became of it.
    pub row: &'a DeliveryRow,
    /// When it had arrived, or was given up.
    pub settled: Option<String>,
    /// The body of the request: to be read, and as it is sent. None where the event is no longer kept.
    pub body: Option<(&'a str, &'a str)>,
    /// The tries, newest first.
    pub tries: &'a [Try],
    /// Whether more tries appear by themselves.
    pub live: bool,
}
