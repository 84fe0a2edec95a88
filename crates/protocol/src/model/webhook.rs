//! Webhooks: endpoints, their subscriptions, and deliveries.

use crate::id::{EventId, WebhookEndpointId};
use crate::time::Timestamp;
use crate::webhook::rotation::Rotation;

/// A webhook endpoint of the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its identifier.
    pub id: WebhookEndpointId,
    /// The URL that events are sent to.
    pub endpoint_url: String,
    /// The signing secrets, sealed.
    pub secrets: Rotation<Vec<u8>>,
    /// Whether events are sent to it.
    pub status: WebhookStatus,
    /// The names of the events it subscribes to, sorted.
    pub events: Vec<String>,
    /// The number of attempts since the last success, and when they started.
    pub failing: Option<(i64, Timestamp)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether events are sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookStatus {
    /// Events are sent.
    Enabled,
    /// Events are not sent, and those that occur meanwhile are not sent later.
    Disabled {
        /// The reason, if it was disabled automatically.
        reason: Option<String>,
    },
}

/// The state of an event's delivery to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Still to be sent.
    Pending,
    /// Delivered.
    Delivered,
    /// Given up after the last attempt.
    Failed,
}

impl DeliveryState {
    /// The state, as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The event.
    pub event_id: EventId,
    /// The event's name.
    pub event: String,
    /// The state of the delivery.
    pub state: DeliveryState,
    /// The number of attempts so far.
    pub attempts: i64,
    /// When the next attempt is due; also `None` while it waits for an earlier event about the same object.
    pub due_at: Option<Timestamp>,
    /// When the delivery was scheduled.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// The attempt's number.
    pub number: i64,
    /// When the attempt was made.
    pub attempted_at: Timestamp,
    /// How long the response took, in milliseconds.
    pub milliseconds: i64,
    /// The URL it was sent to.
    pub endpoint_url: String,
    /// Its outcome.
    pub outcome: AttemptOutcome,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// A response was received.
    Answered {
        /// Its status.
        status: u16,
        /// The beginning of its headers, one per line.
        headers: String,
        /// The beginning of its body.
        body: String,
    },
    /// No response, and why.
    Nothing(String),
}

impl AttemptOutcome {
    /// Whether the event was delivered.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the endpoint reports that it is gone (410).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}
