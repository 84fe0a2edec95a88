//! Webhooks: which events can be subscribed to, how a request is signed, when it is tried again, and how a secret is
//! replaced. What an endpoint was sent and what it answered is a [`crate::model::WebhookAttempt`].

pub mod event_types;
pub mod rotation;
pub mod schedule;
pub mod signature;
