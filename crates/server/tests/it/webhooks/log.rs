//! Deliveries can be looked up, and resent.

use super::{deliveries, delivery, endpoint, eventually, path, settled};
use crate::harness::{Receiver, TestServer, assert_keys, on_both_databases};
use serde_json::{Value, json};

const NOBODY: &str = "event_01EHZNVPK3SFK441A1RGBFSHRT";

on_both_databases! {
    async fn every_try_is_kept_with_what_was_answered(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        management.organization("A").await;
        let received = receiver.next().await;
        let found = delivery(&management, &made, &received.event_id(), |found| found["state"] == "delivered").await;
        assert_keys(&found, &[
            "attempt_count", "attempts", "created_at", "event", "event_id", "next_attempt_at", "object", "request", "settled_at", "state", "webhook_endpoint_id",
        ]);
        assert_eq!(found["request"]["body"], received.json());
        let attempt = &found["attempts"][0];
        assert_keys(attempt, &["attempted_at", "duration_ms", "endpoint_url", "error", "number", "object", "response", "succeeded"]);
        assert_eq!((&attempt["number"], &attempt["succeeded"], &attempt["error"]), (&json!(1), &json!(true), &Value::Null));
        assert!(attempt["response"]["headers"].as_str().unwrap().contains("content-length: 0\n"));
        assert!(!found.to_string().contains(made["secret"].as_str().unwrap()));
        management.get(&format!("{}/deliveries/{NOBODY}", path(&made))).await.expect_not_found("Webhook delivery", NOBODY);

        let nobody = endpoint(&management, "http://localhost:9", "x", &["organization.created"]).await;
        management.organization("B").await;
        let all = eventually(async || Some(deliveries(&management, &nobody, "").await).filter(|all| !all.is_empty())).await;
        let event = all[0]["event_id"].as_str().unwrap().to_owned();
        let found = delivery(&management, &nobody, &event, |found| found["attempts"][0].is_object()).await;
        assert_eq!(found["attempts"][0]["response"], Value::Null);
        assert!(found["attempts"][0]["error"].as_str().unwrap().starts_with("cannot connect"), "{found}");
    }

    async fn the_log_has_pages(server: TestServer) {
        let (receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        for number in 0..5 {
            management.organization(&format!("O{number}")).await;
        }
        let all = eventually(async || Some(deliveries(&management, &made, "").await).filter(|all| all.len() == 5)).await;
        let ids: Vec<&str> = all.iter().map(|found| found["event_id"].as_str().unwrap()).collect();
        let page = async |query: &str| {
            let rows = management.get(&format!("{}/deliveries?{query}", path(&made))).await.expect_list();
            rows.iter().map(|found| found["event_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(page("limit=2").await, [ids[4], ids[3]], "the newest first");
        assert_eq!(page(&format!("limit=2&after={}", ids[3])).await, [ids[2], ids[1]]);
        assert_eq!(page(&format!("limit=2&before={}", ids[2])).await, [ids[4], ids[3]]);
        assert_eq!(page(&format!("order=asc&limit=9&after={}", ids[2])).await, [ids[3], ids[4]]);
        management.get(&format!("{}/deliveries?after={NOBODY}", path(&made))).await.expect_code(400, "event_not_found");
    }

    async fn an_event_is_sent_once_more_when_that_is_asked_for(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        management.organization("A").await;
        let first = receiver.next().await;
        let resend = format!("{}/deliveries/{}/resend", path(&made), first.event_id());
        settled(&management, &made).await;
        management.post(&resend, json!({})).await.expect(202);
        assert_eq!(receiver.next().await.body, first.body);
        let found = delivery(&management, &made, &first.event_id(), |found| found["state"] == "delivered" && found["attempt_count"] == 2).await;
        assert_eq!(found["attempts"].as_array().unwrap().len(), 2);
        // A delivery that waits for its next attempt no longer waits.
        receiver.answer(500);
        management.organization("B").await;
        let second = receiver.next().await.event_id();
        delivery(&management, &made, &second, |found| found["attempts"][0].is_object()).await;
        management.post(&format!("{}/deliveries/{second}/resend", path(&made)), json!({})).await.expect(202);
        assert_eq!(receiver.next().await.event_id(), second);
        settled(&management, &made).await;
        management.post(&format!("{}/deliveries/{NOBODY}/resend", path(&made)), json!({})).await.expect_not_found("Webhook delivery", NOBODY);
        management.patch(&path(&made), json!({"status": "disabled"})).await.expect(200);
        management.post(&resend, json!({})).await.expect_code(409, "endpoint_disabled");
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn events_are_replayed_from_any_of_them(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let id = management.organization("before").await;
        management.user("a@example.com").await;
        for number in 0..3 {
            management.put(&format!("/organizations/{id}"), json!({"name": number.to_string()})).await.expect(200);
        }
        let events = management.get("/events").await.expect_list();
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.updated"]).await;
        management.put(&format!("/organizations/{id}"), json!({"name": "live"})).await.expect(200);
        assert_eq!(receiver.next().await.json()["data"]["name"], "live", "an endpoint is sent what happens from now on");
        settled(&management, &made).await;
        let replay = format!("{}/replay", path(&made));
        management.post(&replay, json!({"from": events[0]["id"]})).await.expect(202);
        let mut names = Vec::new();
        for _ in 0..4 {
            names.push(receiver.next().await.json()["data"]["name"].as_str().unwrap().to_owned());
        }
        assert_eq!(names, ["0", "1", "2", "live"], "from before the endpoint was, in order, and what it has had");
        eventually(async || Some(()).filter(|()| receiver.rest().is_empty())).await;
        settled(&management, &made).await;
        management.post(&replay, json!({"from": events[3]["id"], "until": events[3]["id"]})).await.expect(202);
        assert_eq!(receiver.next().await.json()["data"]["name"], "1");
        settled(&management, &made).await;
        management.post(&replay, json!({})).await.expect_invalid(&[("from", "required")]);
        management.post(&replay, json!({"from": "x", "until": "y"})).await.expect_invalid(&[("from", "invalid"), ("until", "invalid")]);
        management.post(&replay, json!({"from": NOBODY})).await.expect_code(400, "event_not_found");
        let another = server.another_environment().await;
        another.management.organization("theirs").await;
        let theirs = another.management.get("/events").await.expect_list()[0]["id"].clone();
        management.post(&replay, json!({"from": theirs})).await.expect_code(400, "event_not_found");
        management.patch(&path(&made), json!({"status": "disabled"})).await.expect(200);
        management.post(&replay, json!({"from": events[0]["id"]})).await.expect_code(409, "endpoint_disabled");
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn a_long_replay_goes_on_in_steps(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let environment_id = server.app.environments().by_client_id(server.client_id.parse().unwrap()).unwrap().id();
        let (store, entropy, now) = (server.app.store.clone(), std::sync::Arc::clone(&server.app.entropy), server.clock.now());
        store.write::<(), countersign::domain::Failure, _>(move |tx| Box::pin(async move {
            for number in 0..2100 {
                let (id, data) = (entropy.id(now)?, json!({"id": format!("it {}", number % 3), "number": number}));
                let subject = data["id"].as_str().unwrap().to_owned();
                let new = countersign_store::event::NewEvent { id, event: "user.updated", organization_id: None, subject: &subject, data: &data, created_at: now };
                countersign_store::event::append(tx, environment_id, &new).await?;
            }
            Ok(())
        })).await.unwrap();
        let first = management.get("/events").await.expect_list()[0]["id"].clone();
        let made = endpoint(&management, &receiver.base_url, "x", &["user.updated"]).await;
        management.post(&format!("{}/replay", path(&made)), json!({"from": first})).await.expect(202);
        let mut last = [-1; 3];
        for _ in 0..2100 {
            let number = receiver.next().await.json()["data"]["number"].as_i64().unwrap();
            let of = usize::try_from(number % 3).unwrap();
            assert!(number > last[of], "{number} after {}", last[of]);
            last[of] = number;
        }
        assert_eq!(last, [2097, 2098, 2099]);
    }

    async fn a_test_is_sent_at_once_and_shows_what_was_answered(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &[]).await;
        receiver.answer(418);
        let answer = management.post(&format!("{}/test", path(&made)), json!({})).await.expect(200).json();
        assert_eq!((&answer["response"]["status"], &answer["succeeded"]), (&json!(418), &json!(false)));
        let received = receiver.next().await;
        assert_eq!(received.json()["event"], "webhook_endpoint.tested");
        assert!(received.is_signed_by(made["secret"].as_str().unwrap()));
        assert!(!received.body.contains("whsec_"));
        assert_eq!(management.get("/events").await.expect_list(), Vec::<Value>::new(), "nothing has happened");
        assert_eq!(deliveries(&management, &made, "").await, Vec::<Value>::new());
    }
}
