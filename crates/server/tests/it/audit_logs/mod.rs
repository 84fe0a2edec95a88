//! `/audit_logs`, the administrators' trail, and the hash chain that both are part of.

mod declared;
mod downloads;
mod events;
mod exports;
mod killed;
mod retention;
mod streams;
mod tampering;
mod trail;

use crate::harness::{Client, TestServer};
use countersign::domain::audit_log::chain::{Report, place, verify};
use countersign::domain::audit_log::{Entry, Trail, list};
use countersign_protocol::id::EnvironmentId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Creates an action whose targets are teams.
async fn action(management: &Client, name: &str) {
    let body = json!({"targets": [{"type": "team"}]});
    management.post(&format!("/audit_logs/actions/{name}/schemas"), body).await.expect(201);
}

/// Returns an event for that action.
fn event(organization: &str, action: &str, number: usize) -> Value {
    json!({"organization_id": organization, "event": {
        "action": action, "occurred_at": format!("2026-01-{:02}T12:00:00.000Z", number % 28 + 1),
        "actor": {"id": format!("user_{number}"), "type": "user", "name": "Ada"},
        "targets": [{"id": format!("team_{number}"), "type": "team"}],
        "context": {"location": "192.0.2.1", "user_agent": "curl/8"}, "metadata": {"number": number}}})
}

/// Creates an organization with an action and this many events; returns the organization.
async fn told(server: &TestServer, events: usize) -> String {
    let management = server.management();
    let organization = management.organization("Acme").await;
    action(&management, "team.renamed").await;
    for number in 0..events {
        management.post("/audit_logs/events", event(&organization, "team.renamed", number)).await.expect(200);
    }
    organization
}

/// Verifies an environment's chain, after appending the pending events.
async fn walked(server: &TestServer, environment_id: EnvironmentId) -> Report {
    let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
    let _ = place(store, key, environment_id).await;
    verify(store, key, environment_id).await.unwrap()
}

/// Returns what administrators of the server's environment have done, oldest first.
async fn trail(server: &TestServer) -> Vec<Entry> {
    let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
    let page = list(store, key, server.environment_id(), &Trail::default(), None, 1000).await.unwrap();
    assert_eq!(page.next, None);
    page.entries.into_iter().rev().collect()
}

/// Like [`walked`], once no events are pending.
async fn walked_until_placed(server: &TestServer) -> Report {
    let began = Instant::now();
    while countersign_store::audit_log_event::is_waiting(
        &mut server.app.store.reader().await.unwrap(),
        server.environment_id(),
    )
    .await
    .unwrap()
    {
        // The server's own job may be running: on a busy machine it holds the chain for longer than others wait for it.
        if let Err(failure) = place(&server.app.store, &server.app.keyring.audit_log, server.environment_id()).await {
            assert!(began.elapsed() < Duration::from_secs(60), "{failure}");
        }
    }
    walked(server, server.environment_id()).await
}
