//! Exports of an organization's log as CSV.

use super::{action, event, told};
use crate::harness::{Answer, Client, TestServer, assert_keys, on_both_databases, variable};
use countersign::domain::{Act, audit_log};
use countersign_protocol::audit::event::AuditEvent;
use countersign_protocol::model::Actor;
use countersign_store::audit_log_export;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

pub(super) fn asked(organization: &str) -> Value {
    json!({"organization_id": organization, "range_start": "2026-01-01T00:00:00Z", "range_end": "2026-02-01T00:00:00Z"})
}

/// Polls until an export is no longer pending.
pub(super) async fn settled(management: &Client, id: &str) -> Value {
    let began = Instant::now();
    loop {
        let export = management.get(&format!("/audit_logs/exports/{id}")).await.expect(200).json();
        if export["state"] != "pending" {
            return export;
        }
        assert!(began.elapsed() < Duration::from_secs(300), "the copy is not made");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Creates an export; returns the path of its download URL.
pub(super) async fn made(server: &TestServer, body: Value) -> String {
    let export = server.management().post("/audit_logs/exports", body).await.expect(201).json();
    assert_keys(&export, &["object", "id", "state", "url", "created_at", "updated_at"]);
    assert_eq!(
        (&export["object"], &export["state"], &export["url"]),
        (&json!("audit_log_export"), &json!("pending"), &Value::Null)
    );
    let export = settled(&server.management(), export["id"].as_str().unwrap()).await;
    assert_eq!(export["state"], "ready");
    let url = export["url"].as_str().unwrap().to_owned();
    url.strip_prefix(&server.base_url).unwrap().to_owned()
}

async fn fetched(server: &TestServer, path: &str) -> Answer {
    server.anonymous().get(path).await
}

fn lines(answer: &Answer) -> Vec<&str> {
    answer.text.split_terminator("\r\n").collect()
}

on_both_databases! {
    async fn a_copy_has_what_was_told(server: TestServer) {
        let organization = told(&server, 3).await;
        let path = made(&server, asked(&organization)).await;
        let answer = fetched(&server, &path).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename=\"audit_log_export_"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let lines = lines(&answer);
        assert_eq!(lines[0], "id,action,occurred_at,actor_id,actor_name,actor_type,targets,location,user_agent,metadata");
        assert_eq!(lines.len(), 4);
        let (id, rest) = lines[1].split_once(',').unwrap();
        assert_eq!(id.len(), 26, "a bare identifier");
        assert_eq!(rest, "team.renamed,2026-01-01T12:00:00.000Z,user_0,Ada,user,\"[{\"\"id\"\":\"\"team_0\"\",\"\"type\"\":\"\"team\"\"}]\",192.0.2.1,curl/8,\"{\"\"number\"\":0}\"");
    }

    async fn a_copy_is_narrowed_down(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 5).await;
        action(&management, "team.deleted").await;
        management.post("/audit_logs/events", event(&organization, "team.deleted", 7)).await.expect(200);
        for (by, expected) in [
            (json!({}), 6), (json!({"actions": ["team.deleted"]}), 1), (json!({"actor_ids": ["user_1", "user_2"]}), 2),
            (json!({"actor_names": ["Ada"]}), 6), (json!({"actor_names": ["Bob"]}), 0), (json!({"targets": ["team"]}), 6), (json!({"targets": ["user"]}), 0),
            (json!({"range_start": "2026-01-02T12:00:00Z", "range_end": "2026-01-03T12:00:00Z"}), 2),
        ] {
            let mut body = asked(&organization);
            body.as_object_mut().unwrap().extend(by.as_object().unwrap().clone());
            let path = made(&server, body).await;
            assert_eq!(lines(&fetched(&server, &path).await.expect(200)).len(), expected + 1, "{by}");
        }
    }

    async fn neither_another_organizations_events_nor_our_own_are_in_it(server: TestServer) {
        let management = server.management();
        let (organization, other) = (told(&server, 1).await, management.organization("Other").await);
        management.post("/audit_logs/events", event(&other, "team.renamed", 5)).await.expect(200);
        let path = made(&server, asked(&organization)).await;
        let answer = fetched(&server, &path).await;
        assert_eq!(lines(&answer).len(), 2);
        assert!(!answer.text.contains("team_5") && !answer.text.contains("organization."), "{}", answer.text);
    }

    async fn what_is_told_later_is_not_in_it(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 2).await;
        let path = made(&server, asked(&organization)).await;
        management.post("/audit_logs/events", event(&organization, "team.renamed", 9)).await.expect(200);
        assert_eq!(lines(&fetched(&server, &path).await).len(), 3);
    }

    async fn ranges_and_organizations_that_cannot_be(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let mut body = asked(&organization);
        body["range_end"] = "2025-01-01T00:00:00Z".into();
        let refused = management.post("/audit_logs/exports", body).await.expect(400).json();
        assert_eq!(refused, json!({"code": "invalid_audit_log_export_range_date", "message": "Invalid date range"}));
        management.post("/audit_logs/exports", json!({"organization_id": organization})).await.expect_invalid(&[("range_start", "required"), ("range_end", "required")]);
        management.post("/audit_logs/exports", asked("org_01EHZNVPK3SFK441A1RGBFSHRT")).await.expect(404);
        management.get("/audit_logs/exports/audit_log_export_01EHZNVPK3SFK441A1RGBFSHRT").await.expect(404);
        management.get("/audit_logs/exports/nonsense").await.expect(404);
    }

    async fn an_address_is_good_for_ten_minutes_and_for_one_copy(server: TestServer) {
        let organization = told(&server, 1).await;
        let (path, other) = (made(&server, asked(&organization)).await, made(&server, asked(&organization)).await);
        let (base, query) = path.split_once('?').unwrap();
        fetched(&server, base).await.expect(404);
        fetched(&server, &format!("{}?{query}", other.split_once('?').unwrap().0)).await.expect(404);
        fetched(&server, &path.replace("expires=1", "expires=2")).await.expect(404);
        fetched(&server, &path[..path.len() - 1]).await.expect(404);
        fetched(&server, &path).await.expect(200);
        let elsewhere = server.another_environment().await;
        server.anonymous().with_host(&elsewhere.authority).get(&path).await.expect(404);
        server.clock.advance_seconds(601);
        fetched(&server, &path).await.expect(404);
        let id = base.split('/').nth(3).unwrap();
        let again = server.management().get(&format!("/audit_logs/exports/{id}")).await.json();
        let again = again["url"].as_str().unwrap().strip_prefix(&server.base_url).unwrap().to_owned();
        assert_ne!(again, path);
        fetched(&server, &again).await.expect(200);
    }

    async fn a_copy_is_kept_for_a_week(server: TestServer) {
        let organization = told(&server, 1).await;
        let path = made(&server, asked(&organization)).await;
        let id = path.split('/').nth(3).unwrap();
        server.clock.advance_seconds(7 * 86_400 + 1);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        let expired = server.management().get(&format!("/audit_logs/exports/{id}")).await.expect(200).json();
        assert_eq!((&expired["state"], &expired["url"]), (&json!("expired"), &Value::Null));
    }

    async fn what_was_told_of_an_organization_is_copied_when_it_is_gone(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 2).await;
        let before = made(&server, asked(&organization)).await;
        let silent = management.organization("Silent").await;
        for gone in [&organization, &silent] {
            management.delete(&format!("/organizations/{gone}")).await.expect(200);
        }
        let old = fetched(&server, &before).await.expect(200);
        let path = made(&server, asked(&organization)).await;
        let copy = fetched(&server, &path).await.expect(200);
        assert_eq!((lines(&copy).len(), &copy.text), (3, &old.text));
        // Without events there is nothing to export; another environment can access neither.
        management.post("/audit_logs/exports", asked(&silent)).await.expect(404);
        let elsewhere = server.another_environment().await.management;
        elsewhere.post("/audit_logs/exports", asked(&organization)).await.expect(404);
        let id = path.split('/').nth(3).unwrap();
        elsewhere.get(&format!("/audit_logs/exports/{id}")).await.expect(404);
        // No more events are accepted for it, and after a week nothing is left of its exports.
        management.post("/audit_logs/events", event(&organization, "team.renamed", 9)).await.expect(404);
        server.clock.advance_seconds(7 * 86_400 + 1);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        management.get(&format!("/audit_logs/exports/{id}")).await.expect(404);
    }

    async fn copies_with_nothing_in_them_go_after_their_organization(server: TestServer) {
        let organization = told(&server, 1).await;
        let path = made(&server, asked(&organization)).await;
        server.clock.advance_seconds(7 * 86_400 + 1);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        let path = format!("/audit_logs/exports/{}", path.split('/').nth(3).unwrap());
        server.management().get(&path).await.expect(200);
        server.management().delete(&format!("/organizations/{organization}")).await.expect(200);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        server.management().get(&path).await.expect(404);
    }

    async fn a_part_of_a_copy_is_small_however_large_its_events_are(server: TestServer) {
        let organization = told(&server, 0).await;
        fill(&server, &organization, 14, |of, number| {
            let mut told = event(of, "team.renamed", number);
            told["event"]["metadata"] = json!({"text": "\"".repeat(30_000)});
            told
        }).await;
        let path = made(&server, asked(&organization)).await;
        let answer = fetched(&server, &path).await.expect(200);
        let ids: std::collections::BTreeSet<_> = lines(&answer).iter().skip(1).map(|line| line[..26].to_owned()).collect();
        assert_eq!(ids.len(), 14);
        let (id, mut sizes) = (path.split('/').nth(3).unwrap().parse().unwrap(), Vec::new());
        let mut reader = server.app.store.reader().await.unwrap();
        for number in 0.. {
            match audit_log_export::part(&mut reader, server.environment_id(), id, number).await.unwrap() {
                Some(body) => sizes.push(body.len()),
                None => break,
            }
        }
        assert_eq!(sizes.iter().sum::<usize>(), answer.text.len());
        assert!(sizes.len() > 3 && sizes.iter().all(|size| *size < 400_000), "{sizes:?}");
    }

    async fn an_environment_waits_for_ten_copies_at_most(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 1).await;
        for _ in 0..10 {
            made(&server, asked(&organization)).await;
        }
        // As if no node had processed them yet.
        let later = server.clock.now().plus_secs(86_400).as_millis();
        server.database.tamper(&format!("UPDATE audit_log_export SET state = 'pending', next_at = {later}")).await;
        let refused = management.post("/audit_logs/exports", asked(&organization)).await;
        assert_eq!(refused.header("retry-after"), Some("30"));
        refused.expect_code(429, "too_many_exports");
        let elsewhere = server.another_environment().await;
        let theirs = elsewhere.management.organization("Theirs").await;
        elsewhere.management.post("/audit_logs/exports", asked(&theirs)).await.expect(201);
        server.database.tamper(&format!("UPDATE audit_log_export SET next_at = 0 WHERE next_at = {later}")).await;
        made_when_there_is_place(&server, &organization).await;
    }

    async fn another_node_gives_it_out_and_many_rows_open_as_csv(server: TestServer) {
        // More than one part, with a last part that is exactly full.
        let rows: usize = variable("COUNTERSIGN_TEST_EXPORT_ROWS").map_or(1500, |text| text.parse().unwrap());
        let organization = told(&server, 0).await;
        let began = Instant::now();
        fill(&server, &organization, rows, |of, number| event(of, "team.renamed", number)).await;
        let filled = began.elapsed();
        let began = Instant::now();
        let path = made(&server, asked(&organization)).await;
        let took = began.elapsed();
        let other = server.another_node().await;
        let began = Instant::now();
        let answer = fetched(&other, &path).await.expect(200);
        let file = server.database.directory.path().join("export.csv");
        std::fs::write(&file, &answer.text).unwrap();
        let _ = writeln!(
            std::io::stderr(),
            "{rows} rows: written and linked in {filled:?}, exported in {took:?}, downloaded in {:?}, {} bytes; peak memory of this process {}",
            began.elapsed(), answer.text.len(), peak(),
        );
        let check = "import csv,json,sys\nrows=list(csv.DictReader(open(sys.argv[1],newline='')))\nassert len({r['id'] for r in rows})==len(rows)\n\
            assert all(json.loads(r['targets'])[0]['type']=='team' for r in rows)\nassert rows[0]['metadata'].startswith('{')\nprint(len(rows))";
        let output = Command::new("python3").args(["-c", check]).arg(&file).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), rows.to_string(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Requests an export until it is accepted.
async fn made_when_there_is_place(server: &TestServer, organization: &str) {
    let began = Instant::now();
    loop {
        let answer = server.management().post("/audit_logs/exports", asked(organization)).await;
        if answer.status == 201 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{}", answer.text);
    }
}

/// Writes events as the endpoint does, many per transaction, and links them into the chain.
pub(super) async fn fill(server: &TestServer, organization: &str, rows: usize, told: fn(&str, usize) -> Value) {
    let environments = server.app.environments();
    let environment = &environments.get(server.environment_id()).unwrap().environment;
    let organization_id = organization.parse().unwrap();
    for start in (0..rows).step_by(500) {
        let app = &server.app;
        let act = Act::new(environment, Actor::Visitor, &app.clock, &app.entropy, &app.keyring);
        let of = organization.to_owned();
        app.store
            .write::<_, countersign::domain::Failure, _>(move |tx| {
                Box::pin(async move {
                    for number in start..(start + 500).min(rows) {
                        let event: AuditEvent = serde_json::from_value(told(&of, number)["event"].clone()).unwrap();
                        audit_log::tell(tx, &act, organization_id, &event).await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
    }
    let report = super::walked_until_placed(server).await;
    assert_eq!(report.broken, None);
    assert!(report.whole >= rows as u64, "{report:?}");
}

/// Returns this process's peak memory usage.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("unknown").to_owned()
}
