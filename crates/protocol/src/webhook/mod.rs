//! Webhooks: available event types, request signatures, the retry schedule, and secret rotation. A
//! [`crate::model::WebhookAttempt`] records what was sent to an endpoint and how it responded.

pub mod event_types;
pub mod rotation;
pub mod schedule;
pub mod signature;
