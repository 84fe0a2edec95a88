//! Nodes are killed in the middle of many changes: every committed event arrives, in order per object, and no
//! uncommitted one does.

use crate::harness::{Backend, Client, Database, Process, Received, Receiver, run, variable};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;

/// The number of changes: ten thousand on request.
fn changes() -> usize {
    variable("COUNTERSIGN_TEST_WEBHOOK_CHANGES").map_or(1600, |number| number.parse().unwrap())
}

/// The nodes currently running.
type Nodes = Arc<Mutex<Vec<Client>>>;

/// Changes an object repeatedly, retrying each change on any running node until it is acknowledged.
async fn write(nodes: Nodes, writer: usize, count: usize, acknowledged: Arc<AtomicUsize>) -> String {
    let mut attempt = writer;
    let mut ask = async |method: reqwest::Method, path: &str, body: Value| loop {
        let node = {
            let nodes = nodes.lock().unwrap();
            nodes[attempt % nodes.len()].clone()
        };
        // The same key for the same change, so that a change that was committed but not acknowledged is not made twice.
        let key = format!("{writer} {body}");
        let sent = node.request(method.clone(), path).header("idempotency-key", key).json(&body).send().await;
        if let Ok(answer) = sent
            && answer.status().is_success()
            && let Ok(made) = answer.json::<Value>().await
        {
            acknowledged.fetch_add(1, Ordering::Relaxed);
            return made;
        }
        attempt += 1;
        tokio::task::yield_now().await;
    };
    let made = ask(reqwest::Method::POST, "/organizations", json!({"name": format!("{writer}-0")})).await;
    let id = made["id"].as_str().unwrap().to_owned();
    for number in 1..count {
        let body = json!({"name": format!("{writer}-{number}")});
        ask(reqwest::Method::PUT, &format!("/organizations/{id}"), body).await;
    }
    id
}

/// Returns the whole event log, oldest first.
async fn log(client: &Client) -> Vec<Value> {
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/events?limit=100{after}")).await.expect_list();
        let Some(last) = page.last() else { return seen };
        after = format!("&after={}", last["id"].as_str().unwrap());
        seen.extend(page);
    }
}

async fn nothing_is_lost(backend: Backend) {
    let Some(database) = Database::fresh(backend).await else { return };
    let data = database.directory.path().join("data");
    let arguments = [
        "--data",
        data.to_str().unwrap(),
        "--database",
        &database.url,
        "--listen",
        "127.0.0.1:0",
        "--rate-limit-management",
        "0",
    ];
    let first = Process::start(&arguments, &[]);
    let key = first.api_key();
    let client = |process: &Process| Client::new(&process.base_url).with_key(&key);
    let mut processes = vec![first];
    if backend == Backend::Postgres {
        processes.push(Process::start(&arguments, &[]));
    }
    let mut sink = Receiver::start().await;
    let body = json!({"endpoint_url": format!("{}/sink", sink.base_url), "events": ["organization.created", "organization.updated"]});
    client(&processes[0]).post("/webhook_endpoints", body).await.expect(201);

    let nodes: Nodes = Arc::new(Mutex::new(processes.iter().map(client).collect()));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let each = changes() / WRITERS;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(Arc::clone(&nodes), writer, each, Arc::clone(&acknowledged))))
        .collect();
    // Kill a node twice, in the middle of writing and sending.
    for round in 1..=2 {
        while acknowledged.load(Ordering::Relaxed) < round * each * WRITERS / 3 {
            tokio::task::yield_now().await;
        }
        let at = round % processes.len();
        processes[at].signal("KILL");
        processes[at].wait();
        processes[at] = Process::start(&arguments, &[]);
        *nodes.lock().unwrap() = processes.iter().map(client).collect();
    }
    let mut objects = BTreeSet::new();
    for writer in writers {
        objects.insert(writer.await.unwrap());
    }
    assert_eq!((objects.len(), acknowledged.load(Ordering::Relaxed)), (WRITERS, WRITERS * each));

    let log = log(&client(&processes[0])).await;
    let place: BTreeMap<&str, usize> =
        log.iter().enumerate().map(|(at, event)| (event["id"].as_str().unwrap(), at)).collect();
    assert!(log.len() >= WRITERS * each, "every acknowledged change has its event");
    let mut arrived: Vec<Received> = Vec::new();
    let mut missing: BTreeSet<String> = place.keys().map(|id| (*id).to_owned()).collect();
    let began = Instant::now();
    while !missing.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(150), "{} of {} events do not arrive", missing.len(), log.len());
        let next = sink.rest();
        for received in &next {
            missing.remove(&received.event_id());
        }
        arrived.extend(next);
        tokio::task::yield_now().await;
    }
    arrived.extend(sink.rest());

    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for received in &arrived {
        let event = received.json();
        // No event is invented, and duplicates are identical.
        let at = *place.get(event["id"].as_str().unwrap()).unwrap_or_else(|| panic!("{event} was never committed"));
        assert_eq!(event, log[at]);
        assert_eq!(received.header("webhook-id"), event["id"].as_str().unwrap());
        let before = last.insert(event["data"]["id"].as_str().unwrap().to_owned(), at);
        assert!(before.is_none_or(|before| before <= at), "out of order: {event}");
    }
    assert_eq!(last.len(), WRITERS);
    let twice = arrived.len() - log.len();
    assert!(twice <= 2 * 1024, "{twice} came again");
    // Printed past the test runner's capture: a figure worth knowing.
    let _ = writeln!(std::io::stderr(), "{backend:?}: {} events, {twice} came again", log.len());
}

#[test]
fn every_committed_event_arrives_after_kill_9_of_one_of_two_nodes() {
    run(nothing_is_lost(Backend::Postgres));
}

#[test]
fn every_committed_event_arrives_after_kill_9_of_the_only_node() {
    run(nothing_is_lost(Backend::Sqlite));
}
