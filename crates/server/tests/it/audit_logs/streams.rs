//! Events are sent to their destinations in order, and again until they are accepted.

use super::{event, told};
use crate::harness::{Receiver, TestServer, binary, on_both_databases};
use countersign::domain::audit_log::streams::advance;
use countersign_store::audit_log_stream;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// Runs an operator command.
fn run(server: &TestServer, arguments: &[&str]) -> Output {
    let data = server.database.directory.path().join("data");
    let data = data.to_str().unwrap();
    Command::new(binary()).args(arguments).args(["--data", data, "--database", &server.database.url]).output().unwrap()
}

/// Streams an organization's events to a receiver from now on.
fn set(server: &TestServer, organization: &str, url: &str, more: &[&str]) {
    let output = run(server, &[&["audit", "stream", "set", organization, "--url", url], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn stream(server: &TestServer, organization: &str) -> Value {
    let path = format!("/organizations/{organization}/audit_log_configuration");
    server.management().get(&path).await.expect(200).json()["log_stream"].clone()
}

/// Returns the number of streams.
async fn streams(server: &TestServer) -> usize {
    audit_log_stream::all(&mut server.app.store.reader().await.unwrap(), server.environment_id()).await.unwrap().len()
}

async fn tell(server: &TestServer, organization: &str, number: usize) {
    server.management().post("/audit_logs/events", event(organization, "team.renamed", number)).await.expect(200);
}

/// Waits until the stream is in a state.
async fn until(server: &TestServer, organization: &str, state: &str) -> Value {
    let began = std::time::Instant::now();
    loop {
        let stream = stream(server, organization).await;
        if stream["state"] == state {
            return stream;
        }
        assert!(began.elapsed().as_secs() < 15, "{stream}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

on_both_databases! {
    async fn events_are_sent_as_they_come(server: TestServer) {
        let organization = told(&server, 2).await;
        crate::audit_logs::walked(&server, server.environment_id()).await;
        let mut receiver = Receiver::start().await;
        let headers = server.database.directory.path().join("headers");
        std::fs::write(&headers, "Authorization: Bearer quiet-lighthouse\nX-Team: acme\n").unwrap();
        set(&server, &organization, &format!("{}/logs", receiver.base_url), &["--header-file", headers.to_str().unwrap()]);
        let before = stream(&server, &organization).await;
        crate::harness::assert_keys(&before, &["id", "type", "state", "last_synced_at", "created_at"]);
        assert_eq!((&before["type"], &before["state"]), (&json!("GenericHttps"), &json!("active")));
        tell(&server, &organization, 7).await;
        let arrived = receiver.next().await;
        assert_eq!(arrived.uri, "/logs");
        assert_eq!(arrived.headers["authorization"], "Bearer quiet-lighthouse");
        assert_eq!((&arrived.headers["x-team"], &arrived.headers["content-type"]), (&"acme".parse().unwrap(), &"application/json".parse().unwrap()));
        let body: Value = serde_json::from_str(&arrived.body).unwrap();
        let entries = body.as_array().unwrap();
        assert_eq!(entries.len(), 1, "from now on: {body}");
        crate::harness::assert_keys(&entries[0], &["event", "keySuffix", "timestamp", "source"]);
        crate::harness::assert_keys(&entries[0]["event"], &["id", "action", "targets", "actor", "context", "occurred_at", "metadata"]);
        assert_eq!((&entries[0]["event"]["targets"][0]["id"], &entries[0]["source"]), (&json!("team_7"), &json!("default")));
        assert_eq!(entries[0]["event"]["id"].as_str().unwrap().len(), 26);
        // The result is recorded after the response arrives.
        let began = std::time::Instant::now();
        while stream(&server, &organization).await["last_synced_at"].is_null() {
            assert!(began.elapsed().as_secs() < 10);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(receiver.rest().len(), 0, "once");
    }

    async fn what_was_not_taken_is_sent_again_in_its_order(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        set(&server, &organization, &receiver.base_url, &["--format", "ndjson"]);
        receiver.answer(503);
        tell(&server, &organization, 1).await;
        let first = receiver.next().await;
        assert_eq!(first.headers["content-type"], "application/x-ndjson");
        until(&server, &organization, "error").await;
        tell(&server, &organization, 2).await;
        server.clock.advance_seconds(10);
        let second = receiver.next().await;
        assert!(second.body.starts_with(&first.body), "{}", second.body);
        let lines: Vec<Value> = second.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line["event"]["targets"][0]["id"].as_str().unwrap()).collect::<Vec<_>>(), ["team_1", "team_2"]);
        until(&server, &organization, "active").await;
    }

    async fn what_was_taken_counts_whatever_the_answer_says_besides(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        receiver.always_say("content-encoding", "gzip", vec![b'x'; 100_000]);
        set(&server, &organization, &receiver.base_url, &[]);
        for number in 1..3 {
            tell(&server, &organization, number).await;
            assert!(receiver.next().await.body.contains(&format!("team_{number}")));
            // The result is recorded after the response arrives.
            let began = std::time::Instant::now();
            while stream(&server, &organization).await["last_synced_at"].is_null() {
                assert!(began.elapsed().as_secs() < 15, "it was not taken");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            assert_eq!(stream(&server, &organization).await["state"], "active");
            receiver.always_say("content-type", "text/plain", vec![b'x'; 100_000]);
            server.database.tamper("UPDATE audit_log_stream SET last_synced_at = NULL").await;
            server.clock.advance_seconds(10);
        }
        assert_eq!(receiver.rest().len(), 0, "once each");
    }

    async fn a_stream_that_is_behind_catches_up_at_once_and_then_is_not_looked_at(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        set(&server, &organization, &receiver.base_url, &["--format", "ndjson"]);
        // Keeps the server's own job from sending it.
        let later = server.clock.now().plus_secs(86_400).as_millis();
        server.database.tamper(&format!("UPDATE audit_log_stream SET next_at = {later}")).await;
        for number in 0..250 {
            tell(&server, &organization, number).await;
        }
        crate::audit_logs::walked_until_placed(&server).await;
        let id = server.environment_id();
        let found = audit_log_stream::all(&mut server.app.store.reader().await.unwrap(), id).await.unwrap().remove(0);
        advance(&server.app, id, found).await.unwrap();
        let sent: usize = receiver.rest().iter().map(|received| received.body.lines().count()).sum();
        assert_eq!(sent, 250, "all of them in one go");
        server.clock.advance_seconds(3600);
        let due = audit_log_stream::due(&mut server.app.store.reader().await.unwrap(), server.clock.now()).await.unwrap();
        assert_eq!(due.len(), 0, "there is nothing to send");
    }

    async fn who_does_not_let_us_in_is_invalid_until_it_does(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        set(&server, &organization, &receiver.base_url, &[]);
        receiver.answer(401);
        tell(&server, &organization, 1).await;
        receiver.next().await;
        until(&server, &organization, "invalid").await;
        server.clock.advance_seconds(301);
        receiver.next().await;
        until(&server, &organization, "active").await;
        assert!(run(&server, &["audit", "stream", "stop", &organization]).status.success());
        assert_eq!(stream(&server, &organization).await["state"], "inactive");
        tell(&server, &organization, 2).await;
        server.clock.advance_seconds(1000);
        let listed = run(&server, &["audit", "stream", "list"]);
        assert!(String::from_utf8(listed.stdout).unwrap().contains("inactive"));
        assert!(run(&server, &["audit", "stream", "delete", &organization]).status.success());
        assert_eq!(stream(&server, &organization).await, Value::Null);
        assert!(!run(&server, &["audit", "stream", "delete", &organization]).status.success());
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn what_was_told_of_an_organization_is_sent_when_it_is_gone_and_then_the_stream_ends(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        set(&server, &organization, &receiver.base_url, &["--format", "ndjson"]);
        receiver.answer(503);
        tell(&server, &organization, 1).await;
        receiver.next().await;
        until(&server, &organization, "error").await;
        tell(&server, &organization, 2).await;
        server.management().delete(&format!("/organizations/{organization}")).await.expect(200);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        assert_eq!(streams(&server).await, 1, "it has something to send");
        crate::audit_logs::walked(&server, server.environment_id()).await;
        server.clock.advance_seconds(10);
        assert_eq!(receiver.next().await.body.lines().count(), 2);
        let began = std::time::Instant::now();
        while streams(&server).await > 0 {
            assert!(began.elapsed().as_secs() < 15, "it ends");
            countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let again = run(&server, &["audit", "stream", "set", &organization, "--url", &receiver.base_url]);
        assert!(!again.status.success(), "of one that is gone nothing new is told");
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn a_stream_of_an_organization_that_is_gone_is_stopped_or_ends_after_thirty_days(server: TestServer) {
        let management = server.management();
        let (one, other) = (told(&server, 0).await, management.organization("Other").await);
        let receiver = Receiver::start().await;
        for organization in [&one, &other] {
            set(&server, organization, &receiver.base_url, &[]);
        }
        // The receiver never accepts it, however often it is retried.
        receiver.hang();
        for organization in [&one, &other] {
            tell(&server, organization, 1).await;
            management.delete(&format!("/organizations/{organization}")).await.expect(200);
        }
        let tidy = async || countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        tidy().await;
        assert_eq!(streams(&server).await, 2);
        let elsewhere = server.another_environment().await;
        assert!(!run(&server, &["audit", "stream", "stop", &one, "--environment", &elsewhere.name]).status.success());
        assert!(run(&server, &["audit", "stream", "stop", &one]).status.success());
        tidy().await;
        assert_eq!(streams(&server).await, 1, "nothing is sent any more: nothing is left of it");
        assert!(!run(&server, &["audit", "stream", "delete", &one]).status.success());
        server.clock.advance_seconds(30 * 86_400 - 60);
        tidy().await;
        assert_eq!(streams(&server).await, 1);
        server.clock.advance_seconds(120);
        tidy().await;
        assert_eq!(streams(&server).await, 0);
    }

    async fn one_that_does_not_answer_keeps_nobody_waiting(server: TestServer) {
        let management = server.management();
        let (dead, alive) = (told(&server, 0).await, management.organization("Alive").await);
        let (silent, mut receiver) = (Receiver::start().await, Receiver::start().await);
        silent.hang();
        set(&server, &dead, &silent.base_url, &[]);
        set(&server, &alive, &receiver.base_url, &[]);
        tell(&server, &dead, 1).await;
        for number in 2..5 {
            tell(&server, &alive, number).await;
            server.clock.advance_seconds(6);
            assert!(receiver.next().await.body.contains(&format!("team_{number}")));
        }
        assert_eq!(stream(&server, &dead).await["last_synced_at"], Value::Null);
    }

    async fn of_two_nodes_one_sends(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        let other = server.another_node().await;
        set(&server, &organization, &receiver.base_url, &[]);
        tell(&server, &organization, 1).await;
        receiver.next().await;
        until(&server, &organization, "active").await;
        // Both nodes send the due events at the same time.
        let id = server.environment_id();
        let found = audit_log_stream::all(&mut server.app.store.reader().await.unwrap(), id).await.unwrap().remove(0);
        let (one, two) = tokio::join!(advance(&server.app, id, found.clone()), advance(&other.app, id, found));
        one.unwrap();
        two.unwrap();
        assert!(receiver.rest().len() <= 1);
    }

    async fn datadog_gets_what_it_reads(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        let headers = server.database.directory.path().join("headers");
        std::fs::write(&headers, "DD-API-KEY: quiet-lighthouse\n").unwrap();
        let url = format!("{}/api/v2/logs", receiver.base_url);
        set(&server, &organization, &url, &["--format", "datadog", "--header-file", headers.to_str().unwrap()]);
        assert_eq!(stream(&server, &organization).await["type"], "Datadog");
        tell(&server, &organization, 7).await;
        let arrived = receiver.next().await;
        assert_eq!((arrived.uri.as_str(), &arrived.headers["dd-api-key"]), ("/api/v2/logs", &"quiet-lighthouse".parse().unwrap()));
        assert_eq!(arrived.headers["content-type"], "application/json");
        let logs: Value = serde_json::from_str(&arrived.body).unwrap();
        assert_eq!(logs.as_array().unwrap().len(), 1);
        crate::harness::assert_keys(&logs[0], &["message", "ddsource", "service"]);
        assert_eq!((&logs[0]["ddsource"], &logs[0]["service"]), (&json!("default"), &json!("audit-logs")));
        assert_eq!(logs[0]["message"]["targets"][0]["id"], "team_7");
        until(&server, &organization, "active").await;
    }

    async fn splunk_gets_what_it_reads(server: TestServer) {
        let organization = told(&server, 0).await;
        let mut receiver = Receiver::start().await;
        let headers = server.database.directory.path().join("headers");
        std::fs::write(&headers, "Authorization: Splunk quiet-lighthouse\n").unwrap();
        let url = format!("{}/services/collector/event", receiver.base_url);
        set(&server, &organization, &url, &["--format", "splunk", "--header-file", headers.to_str().unwrap()]);
        assert_eq!(stream(&server, &organization).await["type"], "Splunk");
        receiver.answer(503);
        tell(&server, &organization, 3).await;
        receiver.next().await;
        until(&server, &organization, "error").await;
        tell(&server, &organization, 4).await;
        server.clock.advance_seconds(10);
        let arrived = receiver.next().await;
        assert_eq!(arrived.headers["authorization"], "Splunk quiet-lighthouse");
        let events: Vec<Value> = arrived.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.iter().map(|event| event["event"]["targets"][0]["id"].as_str().unwrap()).collect::<Vec<_>>(), ["team_3", "team_4"]);
        crate::harness::assert_keys(&events[0], &["event", "time", "source"]);
        // 2026-01-04, noon, in seconds.
        assert_eq!((&events[0]["time"], &events[0]["source"]), (&json!(1_767_528_000.0), &json!("default")));
    }

    async fn who_wants_a_key_is_not_sent_to_without_one(server: TestServer) {
        let organization = told(&server, 0).await;
        let headers = server.database.directory.path().join("headers");
        std::fs::write(&headers, "Authorization: Bearer quiet-lighthouse\n").unwrap();
        for (format, expected) in [("datadog", "DD-API-KEY"), ("splunk", "Splunk <token>"), ("xml", "'xml' is not")] {
            let file = headers.to_str().unwrap();
            let output = run(&server, &["audit", "stream", "set", &organization, "--url", "https://logs.example.com/", "--format", format, "--header-file", file]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains(expected) && !said.contains("lighthouse"), "{said}");
        }
        assert_eq!(stream(&server, &organization).await, Value::Null);
    }

    async fn threat_22_addresses_and_headers_that_cannot_be(server: TestServer) {
        let organization = told(&server, 0).await;
        let headers = server.database.directory.path().join("headers");
        let refused = |url: &str, header: &str| {
            std::fs::write(&headers, header).unwrap();
            let output = run(&server, &["audit", "stream", "set", &organization, "--url", url, "--header-file", headers.to_str().unwrap()]);
            assert!(!output.status.success(), "{url} {header}");
        };
        refused("http://logs.example.com/", "");
        refused("ftp://logs.example.com/", "");
        refused("https://user:secret@logs.example.com/", "");
        refused("https://logs.example.com/", "Host: other.example.com");
        refused("https://logs.example.com/", "Two Words: x");
        refused("https://logs.example.com/", "no colon");
        let elsewhere = run(&server, &["audit", "stream", "set", "org_01EHZNVPK3SFK441A1RGBFSHRT", "--url", "https://logs.example.com/"]);
        assert!(!elsewhere.status.success());
        assert_eq!(stream(&server, &organization).await, Value::Null);
    }
}
