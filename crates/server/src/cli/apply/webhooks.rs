//! Webhook endpoints as the file declares them.

use super::End;
use super::document::WebhookEndpointEntry;
use crate::domain::webhooks::{self, Changes};
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::management::webhook_views::subscriptions;
use countersign_protocol::model::WebhookStatus;
use countersign_protocol::secret::Secret;
use countersign_protocol::webhook::signature::is_secret;
use countersign_store::{Tx, webhook_endpoint};
use std::path::Path;

/// An endpoint, together with everything it refers to outside the database. Not printable, because it contains a
/// secret.
pub(super) struct Declared {
    endpoint_url: String,
    events: Vec<String>,
    enabled: Option<bool>,
    secret: Option<Secret>,
}

/// Reads the entries in a fixed order, whatever the order in the file: locking the same rows in different orders could
/// deadlock.
pub(super) fn read(entries: &[WebhookEndpointEntry], base: &Path) -> Result<Vec<Declared>, String> {
    let mut read: Vec<Declared> = entries.iter().map(|entry| read_one(entry, base)).collect::<Result<_, _>>()?;
    read.sort_by(|a, b| a.endpoint_url.cmp(&b.endpoint_url));
    match read.windows(2).find(|pair| pair[0].endpoint_url == pair[1].endpoint_url) {
        Some(pair) => Err(format!("webhook endpoint '{}': it is declared twice.", pair[0].endpoint_url)),
        None => Ok(read),
    }
}

fn read_one(entry: &WebhookEndpointEntry, base: &Path) -> Result<Declared, String> {
    let wrong = |what: &str| format!("webhook endpoint '{}': {what}", entry.endpoint_url);
    let enabled = match entry.status.as_deref() {
        None => None,
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) => return Err(wrong("status must be 'enabled' or 'disabled'.")),
    };
    let secret = entry.secret.as_ref().map(|secret| secret.resolve(base)).transpose().map_err(|error| wrong(&error))?;
    if secret.as_ref().is_some_and(|secret| !is_secret(secret.expose())) {
        return Err(wrong("its secret must be 'whsec_' and the base64 of 24 to 64 bytes."));
    }
    let events = subscriptions(entry.events.clone()).map_err(|error| wrong(&error.to_string()))?;
    Ok(Declared { endpoint_url: entry.endpoint_url.clone(), events, enabled, secret })
}

/// Creates or updates an endpoint. A different URL means a different endpoint.
pub(super) async fn apply(tx: &mut Tx, act: &Act, declared: &Declared, plan: &mut Vec<String>) -> Result<(), End> {
    let url = &declared.endpoint_url;
    let told = |failure: Failure| match failure {
        Failure::Refused(error) => End::Wrong(format!("webhook endpoint '{url}': {error}")),
        failure => failure.into(),
    };
    let Some(id) = webhook_endpoint::find_by_url(tx, act.environment_id, url).await? else {
        let (events, secret) = (declared.events.clone(), declared.secret.as_ref());
        let made = webhooks::create(tx, act, url.clone(), events, secret).await.map_err(told)?;
        if declared.enabled == Some(false) {
            let changes = Changes { enabled: Some(false), ..Changes::default() };
            webhooks::update(tx, act, &made.id.to_string(), changes).await.map_err(told)?;
        }
        audit_log::note(tx, act, "webhook_endpoint.created", "webhook_endpoint", made.id).await?;
        plan.push(format!("+ webhook endpoint {url}"));
        return Ok(());
    };
    // Lock before reading, so that the compared values cannot change concurrently.
    webhook_endpoint::lock(tx, (act.environment_id, id)).await?;
    let id = id.to_string();
    let found = webhooks::find(tx, act.environment_id, &id).await.map_err(told)?;
    let events = (found.events != declared.events).then(|| declared.events.clone());
    let enabled = declared.enabled.filter(|enabled| *enabled != (found.status == WebhookStatus::Enabled));
    let mut differences = Vec::new();
    if events.is_some() {
        differences.push("events");
    }
    match enabled {
        Some(true) => differences.push("enabled"),
        Some(false) => differences.push("disabled"),
        None => {}
    }
    if !differences.is_empty() {
        let changes = Changes { endpoint_url: None, events, enabled };
        webhooks::update(tx, act, &id, changes).await.map_err(told)?;
    }
    if let Some(secret) = &declared.secret
        && webhooks::take_secret(tx, act, &id, secret).await.map_err(told)?
    {
        differences.push("another secret");
    }
    if !differences.is_empty() {
        audit_log::note(tx, act, "webhook_endpoint.updated", "webhook_endpoint", found.id).await?;
        plan.push(format!("~ webhook endpoint {url}: {}", differences.join(", ")));
    }
    Ok(())
}
