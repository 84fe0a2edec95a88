//! A node is killed in the middle of an export: the export is resumed, by another node if there is one, and its result
//! is the same.

use super::exports::{asked, settled};
use crate::harness::{Backend, Client, Database, Process, run};
use countersign_protocol::audit::export::{AuditExport, ExportState};
use countersign_store::{Location, Store, audit_log_export};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of events in the export; a dozen make up a part.
const EVENTS: usize = 600;

/// Opens the database while servers use it.
async fn open(database: &Database, backend: Backend) -> Store {
    let location = match backend {
        Backend::Sqlite => Location::Sqlite(database.directory.path().join("data").join("countersign.db")),
        Backend::Postgres => Location::Postgres { url: database.url.clone(), connections: 2, authorities: None },
    };
    Store::open(&location).await.unwrap()
}

/// Returns the current state of an export.
async fn standing(store: &Store, id: &str) -> AuditExport {
    let mut reader = store.reader().await.unwrap();
    let environment_id = countersign_store::environment::all(&mut reader).await.unwrap();
    for environment in environment_id {
        if let Some(export) = audit_log_export::find(&mut reader, environment.id, id.parse().unwrap()).await.unwrap() {
            return export;
        }
    }
    panic!("there is no {id}");
}

/// Waits until an export has this many parts, and checks that it is not finished.
async fn under_way(store: &Store, id: &str, parts: i64) {
    let began = Instant::now();
    loop {
        let export = standing(store, id).await;
        assert_eq!(export.state, ExportState::Pending, "it was done too soon to be in the middle of it");
        if export.parts >= parts {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{export:?}");
        tokio::task::yield_now().await;
    }
}

/// Sends large events.
async fn tell(client: &Client, organization: &str) {
    let body = json!({"targets": [{"type": "team"}]});
    client.post("/audit_logs/actions/team.renamed/schemas", body).await.expect(201);
    let metadata: serde_json::Map<_, _> = (0..40).map(|key| (format!("key_{key}"), json!("x".repeat(500)))).collect();
    let metadata = Arc::new(metadata);
    let tellers: Vec<_> = (0..8)
        .map(|teller| {
            let (client, organization, metadata) = (client.clone(), organization.to_owned(), Arc::clone(&metadata));
            tokio::spawn(async move {
                for number in (teller..EVENTS).step_by(8) {
                    let mut told = super::event(&organization, "team.renamed", number);
                    told["event"]["metadata"] = json!(*metadata);
                    client.post("/audit_logs/events", told).await.expect(200);
                }
            })
        })
        .collect();
    for teller in tellers {
        teller.await.unwrap();
    }
}

async fn asked_for(client: &Client, organization: &str) -> String {
    let export = client.post("/audit_logs/exports", asked(organization)).await.expect(201).json();
    export["id"].as_str().unwrap().to_owned()
}

/// Waits for an export and returns its file.
async fn fetched(client: &Client, id: &str) -> String {
    let export = settled(client, id).await;
    assert_eq!(export["state"], "ready", "{export}");
    let url = export["url"].as_str().unwrap();
    client.get(&url[url.find("/audit_logs").unwrap()..]).await.expect(200).text
}

async fn a_copy_is_taken_up(backend: Backend) {
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
        "--public-url",
        "http://localhost:8080",
    ];
    let mut first = Process::start(&arguments, &[]);
    let key = first.api_key();
    let client = |process: &Process| Client::new(&process.base_url).with_key(&key).with_host("localhost:8080");
    let organization = client(&first).organization("Acme").await;
    tell(&client(&first), &organization).await;
    let undisturbed = asked_for(&client(&first), &organization).await;
    let expected = fetched(&client(&first), &undisturbed).await;
    let store = open(&database, backend).await;
    let whole = standing(&store, &undisturbed).await;
    assert!(whole.parts > 20, "{whole:?}");

    // One node works on it and stops in the middle.
    let id = asked_for(&client(&first), &organization).await;
    under_way(&store, &id, 3).await;
    if backend == Backend::Postgres {
        first.signal("STOP");
    } else {
        first.signal("KILL");
        first.wait();
    }
    let mut second = Process::start(&arguments, &[]);
    let left = standing(&store, &id).await;
    assert_eq!(left.state, ExportState::Pending);
    if backend == Backend::Postgres {
        first.signal("KILL");
        first.wait();
    }
    // No node takes it over before its lease of a minute expires; pretend that it just has.
    assert_eq!(standing(&store, &id).await, left);
    let over = "UPDATE audit_log_export SET next_at = 0 WHERE state = 'pending'";
    database.tamper(over).await;
    // The node that resumes it is killed as well.
    under_way(&store, &id, left.parts + 3).await;
    second.signal("KILL");
    second.wait();
    let third = Process::start(&arguments, &[]);
    assert_eq!(standing(&store, &id).await.state, ExportState::Pending);
    database.tamper(over).await;

    let file = fetched(&client(&third), &id).await;
    let ids: BTreeSet<&str> =
        file.split_terminator("\r\n").skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!((ids.len(), file.split_terminator("\r\n").count()), (EVENTS, EVENTS + 1));
    assert!(file == expected, "it is another file than one that nobody has disturbed");
    let done = standing(&store, &id).await;
    assert_eq!((done.parts, done.lines, done.attempts, done.next_at), (whole.parts, EVENTS as i64, 0, None));
}

#[test]
fn a_copy_is_completed_after_kill_9_by_the_other_node() {
    run(a_copy_is_taken_up(Backend::Postgres));
}

#[test]
fn a_copy_is_completed_after_kill_9_of_the_only_node() {
    run(a_copy_is_taken_up(Backend::Sqlite));
}
