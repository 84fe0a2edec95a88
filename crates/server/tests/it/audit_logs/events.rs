//! Actions, their schemas, and events.

use super::{action, event, told, walked};
use crate::harness::{Answer, Client, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use countersign::domain::audit_log::exports;
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "org_01EHZNVPK3SFK441A1RGBFSHRT";

async fn keyed(client: &Client, key: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, "/audit_logs/events").header("idempotency-key", key).json(body)).await
}

/// Returns the number of organizations' events in the log.
async fn count(server: &TestServer) -> u64 {
    let report = walked(server, server.environment_id()).await;
    assert_eq!(report.broken, None);
    report.whole - super::trail(server).await.len() as u64
}

on_both_databases! {
    async fn actions_and_their_schemas(server: TestServer) {
        let management = server.management();
        let text = json!({"type": "object", "properties": {"k": {"type": "string"}}});
        let body = json!({"targets": [{"type": "team", "metadata": text}, {"type": "user"}], "actor": {"metadata": text}, "metadata": text});
        let path = "/audit_logs/actions/team.renamed/schemas";
        let made = management.post(path, body.clone()).await.expect(201).json();
        assert_keys(&made, &["object", "version", "targets", "actor", "metadata", "created_at"]);
        assert_eq!((&made["object"], &made["version"]), (&json!("audit_log_schema"), &json!(1)));
        assert_eq!([&made["targets"], &made["actor"], &made["metadata"]], [&body["targets"], &body["actor"], &body["metadata"]]);
        assert_moment(&made["created_at"]);
        let second = management.post(path, json!({"targets": [{"type": "team"}]})).await.expect(201).json();
        assert_keys(&second, &["object", "version", "targets", "created_at"]);
        assert_eq!(second["version"], 2);
        let again = management.post(path, json!({"targets": [{"type": "team"}]})).await.expect(201).json();
        assert_eq!(again, second, "what says the same is the same version");
        action(&management, "user.signed_in").await;

        let versions = management.get(path).await.expect_list();
        assert_eq!(versions, [second.clone(), made.clone()]);
        let page = management.get(&format!("{path}?limit=1&order=asc")).await.expect(200).json();
        assert_eq!(page["data"], json!([made]));
        assert_id(&page["list_metadata"]["after"], "als");
        let after = page["list_metadata"]["after"].as_str().unwrap();
        let rest = management.get(&format!("{path}?order=asc&after={after}")).await.expect_list();
        assert_eq!(rest, std::slice::from_ref(&second));

        let actions = management.get("/audit_logs/actions").await.expect_list();
        assert_eq!(actions.iter().map(|a| a["name"].as_str().unwrap()).collect::<Vec<_>>(), ["user.signed_in", "team.renamed"]);
        assert_keys(&actions[1], &["object", "name", "schema", "created_at", "updated_at"]);
        assert_eq!((&actions[1]["object"], &actions[1]["schema"]), (&json!("audit_log_action"), &second));
        let page = management.get("/audit_logs/actions?limit=1").await.expect(200).json();
        assert_id(&page["list_metadata"]["after"], "ala");
    }

    async fn schemas_that_cannot_be(server: TestServer) {
        let management = server.management();
        let path = "/audit_logs/actions/team.renamed/schemas";
        management.post(path, json!({})).await.expect_invalid(&[("targets", "required")]);
        management.post(path, json!({"targets": [{"type": "t", "metadata": {"$ref": "x"}}]})).await.expect_invalid(&[("targets.0.metadata.$ref", "invalid")]);
        management.post("/audit_logs/actions/two%20words/schemas", json!({"targets": [{"type": "t"}]})).await.expect_invalid(&[("name", "invalid")]);
        management.get(path).await.expect(404);
        assert_eq!(management.get("/audit_logs/actions").await.expect_list(), Vec::<Value>::new());
    }

    async fn events_are_checked(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 0).await;
        let good = event(&organization, "team.renamed", 1);
        let with = |path: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(path).unwrap() = value;
            body
        };
        assert_eq!(management.post("/audit_logs/events", good.clone()).await.expect(200).json(), json!({"success": true}));
        management.post("/audit_logs/events", with("/event/action", Value::Null)).await.expect_invalid(&[("event.action", "required")]);
        management.post("/audit_logs/events", with("/event/occurred_at", json!("yesterday"))).await.expect_invalid(&[("event.occurred_at", "invalid")]);
        management.post("/audit_logs/events", with("/organization_id", json!(NOBODY))).await.expect(404);
        management.post("/audit_logs/events", with("/event/action", json!("team.made"))).await.expect(404);
        let wrong = management.post("/audit_logs/events", with("/event/targets/0/type", json!("invoice"))).await.expect(400).json();
        assert_eq!(wrong, json!({"code": "invalid_audit_log_event", "message": "Invalid Audit Log event.", "errors": [{"instancePath": "/targets"}]}));
        let mut huge = good.clone();
        huge["event"]["targets"] = (0..50).map(|n| json!({"id": format!("{n}"), "type": "team", "metadata": {"k": "x".repeat(500), "l": "x".repeat(500), "m": "x".repeat(500)}})).collect();
        management.post("/audit_logs/events", huge).await.expect(413);
        assert_eq!(count(&server).await, 1);
    }

    async fn the_version_says_what_an_event_is_checked_against(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 0).await;
        let path = "/audit_logs/actions/team.renamed/schemas";
        let second = json!({"targets": [{"type": "team"}], "metadata": {"properties": {"number": {"type": "string"}}}});
        management.post(path, second).await.expect(201);
        let mut body = event(&organization, "team.renamed", 1);
        let errors = management.post("/audit_logs/events", body.clone()).await.expect(400).json();
        assert_eq!(errors["errors"], json!([{"instancePath": "/metadata/number"}]), "the newest");
        body["event"]["version"] = json!(1);
        management.post("/audit_logs/events", body.clone()).await.expect(200);
        body["event"]["version"] = json!(3);
        let errors = management.post("/audit_logs/events", body).await.expect(400).json();
        assert_eq!(errors["errors"], json!([{"instancePath": "/version"}]));
    }

    async fn what_is_sent_again_happens_once(server: TestServer) {
        let management = server.management();
        let organization = told(&server, 0).await;
        let (one, other) = (event(&organization, "team.renamed", 1), event(&organization, "team.renamed", 2));
        for _ in 0..3 {
            assert_eq!(keyed(&management, "a key", &one).await.expect(200).json(), json!({"success": true}));
        }
        assert_eq!(count(&server).await, 1);
        keyed(&management, "a key", &other).await.expect(200);
        assert_eq!(count(&server).await, 2, "the same key with another body is another event");
        keyed(&management, "another key", &one).await.expect(200);
        assert_eq!(count(&server).await, 3);
        for _ in 0..3 {
            management.post("/audit_logs/events", one.clone()).await.expect(200);
        }
        assert_eq!(count(&server).await, 4, "without a key, the content is the key");
        server.clock.advance_seconds(24 * 3600 + 1);
        management.post("/audit_logs/events", one).await.expect(200);
        assert_eq!(count(&server).await, 5, "for a day");
    }

    async fn of_many_at_once_on_two_nodes_one_is_written(server: TestServer) {
        let organization = told(&server, 0).await;
        let nodes = [server.another_node().await, server.another_node().await];
        let mut sending = Vec::new();
        for number in 0..20 {
            let (management, body) = (nodes[number % 2].management(), event(&organization, "team.renamed", 1));
            sending.push(tokio::spawn(async move { management.post("/audit_logs/events", body).await.expect(200) }));
        }
        for sent in sending {
            sent.await.unwrap();
        }
        assert_eq!(count(&server).await, 1);
    }

    async fn two_nodes_write_one_chain(server: TestServer) {
        let organization = told(&server, 0).await;
        let nodes = [server.another_node().await, server.another_node().await];
        let mut writers = Vec::new();
        for writer in 0..6 {
            let (management, organization) = (nodes[writer % 2].management(), organization.clone());
            writers.push(tokio::spawn(async move {
                for number in 0..10 {
                    management.post("/audit_logs/events", event(&organization, "team.renamed", 100 * writer + number)).await.expect(200);
                }
            }));
        }
        for writer in writers {
            // The chain is verified at the same time.
            assert_eq!(walked(&server, server.environment_id()).await.broken, None);
            writer.await.unwrap();
        }
        assert_eq!(count(&server).await, 60);
    }

    async fn threat_34_another_environment_has_a_log_of_its_own(server: TestServer) {
        let organization = told(&server, 2).await;
        let other = server.another_environment().await;
        let there = &other.management;
        there.post("/audit_logs/events", event(&organization, "team.renamed", 1)).await.expect(404);
        there.get("/audit_logs/actions/team.renamed/schemas").await.expect(404);
        assert_eq!(there.get("/audit_logs/actions").await.expect_list(), Vec::<Value>::new());
        there.get(&format!("/organizations/{organization}/audit_logs_retention")).await.expect(404);
        there.put(&format!("/organizations/{organization}/audit_logs_retention"), json!({"retention_period_in_days": 30})).await.expect(404);
        there.get(&format!("/organizations/{organization}/audit_log_configuration")).await.expect(404);
        let range = json!({"organization_id": organization, "range_start": "2026-01-01T00:00:00Z", "range_end": "2026-02-01T00:00:00Z"});
        there.post("/audit_logs/exports", range.clone()).await.expect(404);
        let export = server.management().post("/audit_logs/exports", range).await.expect(201).text_at("id");
        there.get(&format!("/audit_logs/exports/{export}")).await.expect(404);
        exports::settle(&server.app, server.environment_id()).await.unwrap();
    }
}
