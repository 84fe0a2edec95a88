//! Webhooks: who wants which events, and what was sent to whom.

use crate::id::{EventId, WebhookEndpointId};
use crate::time::Timestamp;
use crate::webhook::rotation::Rotation;

/// An endpoint of the company's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its identifier.
    pub id: WebhookEndpointId,
    /// Where events are sent.
    pub endpoint_url: String,
    /// What they are signed with, sealed.
    pub secrets: Rotation<Vec<u8>>,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// The names of the events that it wants, sorted.
    pub events: Vec<String>,
    /// Tries since the last that succeeded, and since when.
    pub failing: Option<(i64, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Whether an endpoint is sent anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookStatus {
    /// It is.
    Enabled,
    /// It is not, and what happens meanwhile it is not sent later.
    Disabled {
        /// Why, when nobody has asked for that.
        reason: Option<String>,
    },
}

/// What became of an event for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent.
    Pending,
    /// It has arrived.
    Delivered,
    /// It was tried often enough.
    Failed,
}

impl DeliveryState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}

/// One event for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The event.
    pub event_id: EventId,
    /// Its name.
    pub event: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; `None` also while it waits for an earlier one about the same object.
    pub due_at: Option<Timestamp>,
    /// When it was decided that it is to be sent.
    pub created_at: Timestamp,
    /// When it had arrived, or was given up.
    pub settled_at: Option<Timestamp>,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// Which try it was.
    pub number: i64,
    /// When.
    pub attempted_at: Timestamp,
    /// How long the answer took.
    pub milliseconds: i64,
    /// Where it went.
    pub endpoint_url: String,
    /// What came of it.
    pub outcome: AttemptOutcome,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// An answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its headers, a line each: the beginning.
        headers: String,
        /// Its body: the beginning.
        body: String,
    },
    /// None, and why.
    Nothing(String),
}

impl AttemptOutcome {
    /// Whether the event has arrived.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the endpoint says that it is no more (410).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}
