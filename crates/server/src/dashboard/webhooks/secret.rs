//! `/dashboard/env/{environment}/webhooks/{id}/secret`: secret rotation, in two steps or at once.

use super::{find, settings};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::refused;
use crate::domain::webhooks;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::model::WebhookEndpoint;

async fn settle(
    call: &DashboardCall,
    endpoint: &WebhookEndpoint,
    done: Result<WebhookEndpoint, crate::domain::Failure>,
    word: &str,
) -> Result<Reply, PageError> {
    match done {
        Ok(_) => call.to(&format!("/webhooks/{}/settings?done={word}", endpoint.id)),
        Err(failure) => settings::show(call, &find(call).await?, Some(refused(failure)?)),
    }
}

/// Generates a new secret, which takes over a day later.
///
/// # Errors
/// 404.
pub async fn rotate(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (act, id) = (call.act(), endpoint.id.to_string());
    let done = call.commit(move |tx| Box::pin(async move { webhooks::rotate_secret(tx, &act, &id, false).await }));
    settle(call, &endpoint, done.await, "secret-ready").await
}

/// Generates a new secret that replaces the old one at once.
///
/// # Errors
/// 404.
pub async fn replace(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (act, id) = (call.act(), endpoint.id.to_string());
    let done = call.commit(move |tx| Box::pin(async move { webhooks::rotate_secret(tx, &act, &id, true).await }));
    settle(call, &endpoint, done.await, "replaced").await
}

/// Makes the new secret take over now.
///
/// # Errors
/// 404.
pub async fn complete(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let (act, id) = (call.act(), endpoint.id.to_string());
    let done = call.commit(move |tx| Box::pin(async move { webhooks::complete_rotation(tx, &act, &id).await }));
    settle(call, &endpoint, done.await, "replaced").await
}
