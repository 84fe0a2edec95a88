//! What arrives at an endpoint.

use super::{deliveries, delivery, endpoint, eventually, next_try, path, settled};
use crate::harness::{Receiver, TestServer, on_both_databases};
use serde_json::json;
use std::collections::BTreeMap;

on_both_databases! {
    async fn an_event_arrives_as_the_api_shows_it_signed_for_this_moment(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "hook?x=1", &["organization.created"]).await;
        let body = json!({"name": "Räksmörgås / \"☃\"", "metadata": {"z": "1", "a": "2"}});
        management.post("/organizations", body).await.expect(201);
        let received = receiver.next().await;
        assert_eq!(received.uri, "/hook?x=1");
        assert_eq!(received.header("content-type"), "application/json");
        let shown = management.get("/events").await.expect(200);
        assert!(shown.text.contains(&received.body), "the same bytes: {} in {}", received.body, shown.text);
        assert_eq!(received.json(), shown.json()["data"][0]);
        assert!(received.body.contains("Räksmörgås / \\\"☃\\\""), "{}", received.body);
        assert!(received.is_signed_by(made["secret"].as_str().unwrap()));
        assert_eq!(received.header("webhook-id"), received.event_id());
        let (time, _) = received.header("workos-signature").split_once(", ").unwrap();
        let time: i64 = time.strip_prefix("t=").unwrap().parse().unwrap();
        assert!((server.clock.now().as_millis() - time).abs() < 60_000, "in milliseconds");
        assert_eq!(received.header("webhook-timestamp").parse::<i64>().unwrap(), time / 1000);
        assert!(received.header("webhook-signature").starts_with("v1,"));
        let found = delivery(&management, &made, &received.event_id(), |found| found["state"] == "delivered").await;
        assert_eq!(found["attempts"][0]["response"]["status"], 200);
        assert_eq!(receiver.rest().len(), 0, "once");
    }

    async fn only_what_was_asked_for_and_only_ones_own(server: TestServer) {
        let another = server.another_environment().await;
        let (mut ours, mut theirs) = (Receiver::start().await, Receiver::start().await);
        let mine = endpoint(&server.management(), &ours.base_url, "x", &["organization.updated", "user.created"]).await;
        let foreign = endpoint(&another.management, &theirs.base_url, "x", &["organization.created"]).await;
        let id = server.management().organization("Acme").await;
        server.management().put(&format!("/organizations/{id}"), json!({"name": "B"})).await.expect(200);
        another.management.organization("Theirs").await;
        assert_eq!(ours.next().await.json()["event"], "organization.updated");
        assert_eq!(theirs.next().await.json()["data"]["name"], "Theirs");
        settled(&server.management(), &mine).await;
        settled(&another.management, &foreign).await;
        assert_eq!((ours.rest().len(), theirs.rest().len()), (0, 0));
        // A changed selection of events applies from then on.
        server.management().patch(&path(&mine), json!({"events": ["organization.created"]})).await.expect(200);
        server.management().put(&format!("/organizations/{id}"), json!({"name": "C"})).await.expect(200);
        server.management().organization("D").await;
        assert_eq!(ours.next().await.json()["data"]["name"], "D");
    }

    async fn a_disabled_endpoint_gets_nothing_and_nothing_later(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        // An event that was sent but not accepted does not arrive later either.
        receiver.answer(500);
        management.organization("A").await;
        let first = receiver.next().await.event_id();
        delivery(&management, &made, &first, |found| found["attempt_count"] == 1 && found["attempts"][0].is_object()).await;
        let disabled = management.patch(&path(&made), json!({"status": "disabled"})).await.expect(200);
        assert_eq!(disabled.text_at("status"), "disabled");
        management.organization("B").await;
        // An event created while the endpoint is disabled.
        management.get("/events").await.expect(200);
        let enabled = management.put(&path(&made), json!({"status": "enabled"})).await.expect(200).json();
        assert_eq!((&enabled["status"], enabled.get("disabled_reason")), (&json!("enabled"), None));
        server.clock.advance_seconds(86_400);
        management.organization("C").await;
        assert_eq!(receiver.next().await.json()["data"]["name"], "C");
        settled(&management, &made).await;
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn a_deleted_endpoint_is_gone_with_all_it_was_sent(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        receiver.always_answer(500);
        management.organization("A").await;
        receiver.next().await;
        management.delete(&path(&made)).await.expect(204);
        management.get(&path(&made)).await.expect_not_found("Webhook endpoint", made["id"].as_str().unwrap());
        management.get(&format!("{}/deliveries", path(&made))).await.expect(404);
        management.delete(&path(&made)).await.expect(404);
        server.clock.advance_seconds(86_400);
        // Its URL is free again, and a new endpoint starts from scratch.
        receiver.always_answer(200);
        let again = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        assert_ne!(again["secret"], made["secret"]);
        management.organization("B").await;
        assert_eq!(receiver.next().await.json()["data"]["name"], "B");
        let store = server.app.store.clone();
        eventually(async || {
            let ended = countersign_store::webhook_endpoint::ended(&mut store.reader().await.unwrap()).await.unwrap();
            ended.is_empty().then_some(())
        }).await;
    }

    async fn what_was_not_taken_comes_again_the_same_and_signed_anew(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        for status in [500, 302, 404] {
            receiver.answer(status);
        }
        management.organization("A").await;
        let first = receiver.next().await;
        let mut last = first.header("workos-signature").to_owned();
        for tries in 1..=3 {
            let waited = next_try(&server, &made, &first.event_id(), tries).await;
            assert!(waited >= [10, 30, 120][tries - 1] - 5, "{waited}");
            let again = receiver.next().await;
            assert_eq!((&again.body, again.header("webhook-id")), (&first.body, first.header("webhook-id")));
            assert_ne!(again.header("workos-signature"), last, "a fresh time");
            assert!(again.is_signed_by(made["secret"].as_str().unwrap()));
            last = again.header("workos-signature").to_owned();
        }
        let found = delivery(&management, &made, &first.event_id(), |found| found["state"] == "delivered").await;
        let statuses: Vec<i64> = found["attempts"].as_array().unwrap().iter().map(|attempt| attempt["response"]["status"].as_i64().unwrap()).collect();
        assert_eq!(statuses, [500, 302, 404, 200], "a redirect is not followed");
        server.clock.advance_seconds(86_400);
        management.organization("B").await;
        assert_eq!(receiver.next().await.json()["data"]["name"], "B", "and no more of the first");
    }

    async fn events_about_one_object_wait_for_one_another_and_for_nobody_else(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created", "organization.updated", "organization.deleted"]).await;
        receiver.answer(503);
        let stuck = management.organization("stuck").await;
        let first = receiver.next().await.event_id();
        delivery(&management, &made, &first, |found| found["attempts"].as_array().is_some_and(|tries| tries.len() == 1)).await;
        for number in 0..5 {
            management.put(&format!("/organizations/{stuck}"), json!({"name": format!("stuck {number}")})).await.expect(200);
            management.organization(&format!("free {number}")).await;
        }
        management.delete(&format!("/organizations/{stuck}")).await.expect(200);
        for _ in 0..5 {
            let name = receiver.next().await.json()["data"]["name"].as_str().unwrap().to_owned();
            assert!(name.starts_with("free"), "{name}");
        }
        let waiting = deliveries(&management, &made, "").await.into_iter().filter(|found| found["state"] == "pending");
        assert_eq!(waiting.filter(|found| found["next_attempt_at"].is_null()).count(), 6, "behind the first");
        next_try(&server, &made, &first, 1).await;
        let mut seen = Vec::new();
        for _ in 0..7 {
            let event = receiver.next().await.json();
            seen.push(format!("{} {}", event["event"].as_str().unwrap(), event["data"]["name"].as_str().unwrap()));
        }
        let mut expected = vec!["organization.created stuck".to_owned()];
        expected.extend((0..5).map(|number| format!("organization.updated stuck {number}")));
        expected.push("organization.deleted stuck 4".to_owned());
        assert_eq!(seen, expected);
        settled(&management, &made).await;
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn several_nodes_send_each_event_once_and_in_order(server: TestServer) {
        let other = server.another_node().await;
        let mut receiver = Receiver::start().await;
        let management = server.management();
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created", "organization.updated"]).await;
        let mut writers = Vec::new();
        for writer in 0..6 {
            let management = [&server, &other][writer % 2].management();
            writers.push(tokio::spawn(async move {
                let id = management.organization("0").await;
                for number in 1..20 {
                    management.put(&format!("/organizations/{id}"), json!({"name": number.to_string()})).await.expect(200);
                }
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for _ in 0..120 {
            let event = receiver.next().await.json();
            let name = event["data"]["name"].as_str().unwrap().to_owned();
            seen.entry(event["data"]["id"].as_str().unwrap().to_owned()).or_default().push(name);
        }
        eventually(async || {
            let mut reader = server.app.store.reader().await.unwrap();
            let pending = countersign_store::webhook_delivery::pending(&mut reader, 10).await.unwrap();
            (pending == 0).then_some(())
        }).await;
        assert_eq!(receiver.rest().len(), 0, "once each");
        assert_eq!(seen.len(), 6);
        for (id, names) in seen {
            assert_eq!(names, (0..20).map(|number| number.to_string()).collect::<Vec<_>>(), "{id}");
        }
        assert_eq!(made["status"], "enabled");
    }
}
