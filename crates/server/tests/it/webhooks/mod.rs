//! Events sent to webhook endpoints: what arrives, in which order, and what happens when it does not.

mod declared;
mod delivery;
mod endpoints;
mod failing;
mod killed;
mod log;
mod rotation;

use crate::harness::{Client, Received, TestServer};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Creates an endpoint at `<base URL>/<name>` for these events.
async fn endpoint(management: &Client, base_url: &str, name: &str, events: &[&str]) -> Value {
    let body = json!({"endpoint_url": format!("{base_url}/{name}"), "events": events});
    management.post("/webhook_endpoints", body).await.expect(201).json()
}

fn path(endpoint: &Value) -> String {
    format!("/webhook_endpoints/{}", endpoint["id"].as_str().unwrap())
}

/// Polls until `ask` returns something; panics if it takes too long.
async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it did not happen in time");
        // Polling without a pause would exceed the key's rate limit.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns a delivery with its attempts, once it meets the condition.
async fn delivery(management: &Client, endpoint: &Value, event: &str, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("{}/deliveries/{event}", path(endpoint));
    eventually(async || Some(management.get(&path).await.json()).filter(|found| is(found))).await
}

/// Returns an endpoint's deliveries, oldest first.
async fn deliveries(management: &Client, endpoint: &Value, query: &str) -> Vec<Value> {
    management.get(&format!("{}/deliveries?order=asc&limit=100{query}", path(endpoint))).await.expect_list()
}

/// Waits until an endpoint has no pending deliveries.
async fn settled(management: &Client, endpoint: &Value) -> Vec<Value> {
    eventually(async || {
        let all = deliveries(management, endpoint, "").await;
        Some(all).filter(|all| all.iter().all(|delivery| delivery["state"] != "pending"))
    })
    .await
}

/// Moves the clock to just after the next attempt of a delivery.
async fn next_try(server: &TestServer, endpoint: &Value, event: &str, made: usize) -> i64 {
    let tried = |found: &Value| found["attempts"].as_array().is_some_and(|attempts| attempts.len() == made);
    let management = server.management();
    delivery(&management, endpoint, event, tried).await;
    // Fetched again: the first response may have been read while the attempt was being recorded.
    let found = delivery(&management, endpoint, event, tried).await;
    let at: countersign_protocol::time::Timestamp =
        countersign_protocol::time::Timestamp::parse(found["next_attempt_at"].as_str().unwrap()).unwrap();
    let seconds = (at.as_millis() - server.clock.now().as_millis()) / 1000 + 1;
    server.clock.advance_seconds(seconds);
    seconds
}

impl Received {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    fn event_id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// Whether the `WorkOS-Signature` header is valid, computed independently.
    fn is_signed_by(&self, secret: &str) -> bool {
        let hmac = |key: &[u8], text: &str| {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
            aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
        };
        let (time, given) = self.header("workos-signature").split_once(", v1=").unwrap();
        let time = time.strip_prefix("t=").unwrap();
        let made: String = hmac(secret.as_bytes(), &format!("{time}.{}", self.body))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        made == given
    }
}
