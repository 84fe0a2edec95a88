//! Failing endpoints: they hold up nobody else, and are eventually given up.

use super::{deliveries, delivery, endpoint, eventually, next_try, path, settled};
use crate::harness::{Receiver, TestServer, on_both_databases};
use serde_json::json;

on_both_databases! {
    async fn a_dead_and_a_slow_endpoint_keep_nobody_waiting(server: TestServer) {
        let (dead, mut slow, mut healthy) = ("http://localhost:9", Receiver::start().await, Receiver::start().await);
        slow.hang();
        let management = server.management();
        let events = ["organization.created"];
        // Several of each, enough to take all slots if they could.
        for number in 0..10 {
            endpoint(&management, dead, &number.to_string(), &events).await;
            endpoint(&management, &slow.base_url, &number.to_string(), &events).await;
        }
        let good = endpoint(&management, &healthy.base_url, "x", &events).await;
        for number in 0..60 {
            management.organization(&format!("O{number}")).await;
        }
        // Everything has arrived although the slow ones have not responded at all.
        for _ in 0..60 {
            healthy.next().await;
        }
        assert_eq!(settled(&management, &good).await.len(), 60);
        let asked = slow.rest();
        assert!((1..=10).contains(&asked.len()), "one each, as long as it takes: {}", asked.len());
    }

    async fn an_event_that_is_never_taken_fails_in_the_end_and_blocks_no_longer(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created", "organization.updated"]).await;
        receiver.always_answer(500);
        let id = management.organization("A").await;
        let event = receiver.next().await.event_id();
        management.put(&format!("/organizations/{id}"), json!({"name": "B"})).await.expect(200);
        let mut waited = 0;
        for tries in 1..12 {
            waited += next_try(&server, &made, &event, tries).await;
            if tries == 11 {
                receiver.answer(500);
                receiver.always_answer(200);
            }
            assert_eq!(receiver.next().await.event_id(), event);
        }
        assert!(waited < 72 * 3600, "{waited}");
        let failed = delivery(&management, &made, &event, |found| found["state"] == "failed").await;
        assert_eq!(failed["attempts"].as_array().unwrap().len(), 12);
        assert_eq!(failed["next_attempt_at"], json!(null));
        // After this many failed attempts there is a pause, and then the next event is sent.
        server.clock.advance_seconds(301);
        assert_eq!(receiver.next().await.json()["data"]["name"], "B");
        settled(&management, &made).await;
        let failures = deliveries(&management, &made, "&state=failed").await;
        assert_eq!(failures.iter().map(|found| found["event_id"].as_str().unwrap()).collect::<Vec<_>>(), [event]);
        assert_eq!(management.get(&path(&made)).await.json()["status"], "enabled");
        management.get(&format!("{}/deliveries?state=lost", path(&made))).await.expect_invalid(&[("state", "invalid")]);
    }

    async fn an_endpoint_that_struggles_is_asked_one_thing_at_a_time(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        receiver.always_answer(500);
        for number in 0..40 {
            management.organization(&format!("O{number}")).await;
        }
        // One request at a time, and then one per pause.
        for _ in 0..8 {
            receiver.next().await;
        }
        let store = server.app.store.clone();
        eventually(async || {
            let mut reader = store.reader().await.unwrap();
            let due = countersign_store::webhook_endpoint::due(&mut reader, server.clock.now()).await.unwrap();
            due.is_empty().then_some(())
        }).await;
        assert_eq!(receiver.rest().len(), 0);
        receiver.always_answer(200);
        server.clock.advance_seconds(301);
        let arrived = settled(&management, &made).await;
        assert_eq!(arrived.len(), 40);
        assert!(arrived.iter().all(|found| found["state"] == "delivered"), "{arrived:?}");
    }

    async fn what_has_failed_elsewhere_is_not_held_against_another_url(server: TestServer) {
        let (mut old, mut new, management) = (Receiver::start().await, Receiver::start().await, server.management());
        let made = endpoint(&management, &old.base_url, "x", &["organization.created"]).await;
        old.always_answer(500);
        management.organization("A").await;
        let event = old.next().await.event_id();
        let key = (server.environment_id(), made["id"].as_str().unwrap().parse().unwrap());
        let failing = async || {
            let mut reader = server.app.store.reader().await.unwrap();
            countersign_store::webhook_endpoint::find(&mut reader, key).await.unwrap().unwrap().failing
        };
        eventually(async || failing().await).await;
        management.patch(&path(&made), json!({"endpoint_url": made["endpoint_url"]})).await.expect(200);
        assert_eq!(failing().await.map(|(failures, _)| failures), Some(1), "it is where it was");
        management.patch(&path(&made), json!({"endpoint_url": new.base_url})).await.expect(200);
        assert_eq!(failing().await, None);
        next_try(&server, &made, &event, 1).await;
        assert_eq!(new.next().await.event_id(), event);
    }

    async fn an_endpoint_that_says_that_it_is_gone_is_disabled_at_once_and_that_is_an_event(server: TestServer) {
        let (mut receiver, mut watcher, management) = (Receiver::start().await, Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        endpoint(&management, &watcher.base_url, "x", &["webhook_endpoint.disabled"]).await;
        receiver.answer(410);
        management.organization("A").await;
        receiver.next().await;
        let told = watcher.next().await.json();
        assert_eq!(told["event"], "webhook_endpoint.disabled");
        assert_eq!((&told["data"]["id"], &told["data"]["status"]), (&made["id"], &json!("disabled")));
        assert!(told["data"]["disabled_reason"].as_str().unwrap().contains("410"));
        assert!(told["data"].get("secret").is_none() && !told.to_string().contains("whsec_"), "no event has a secret");
        let shown = management.get(&path(&made)).await.expect(200).json();
        assert_eq!(shown["disabled_reason"], told["data"]["disabled_reason"]);
        management.organization("B").await;
        management.get("/events").await.expect(200);
        assert_eq!(deliveries(&management, &made, "").await, Vec::<serde_json::Value>::new());
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn an_event_that_is_no_longer_kept_fails_at_once_and_is_not_held_against_the_endpoint(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        receiver.always_answer(500);
        management.organization("A").await;
        let event = receiver.next().await.event_id();
        delivery(&management, &made, &event, |found| found["attempts"][0].is_object()).await;
        server.database.tamper(&format!("DELETE FROM event WHERE id = '{event}'")).await;
        next_try(&server, &made, &event, 1).await;
        let failed = delivery(&management, &made, &event, |found| found["state"] == "failed").await;
        let attempts = failed["attempts"].as_array().unwrap();
        assert!(attempts[1]["error"].as_str().unwrap().contains("no longer kept"), "{failed}");
        let key = (server.environment_id(), made["id"].as_str().unwrap().parse().unwrap());
        let found = countersign_store::webhook_endpoint::find(&mut server.app.store.reader().await.unwrap(), key).await.unwrap().unwrap();
        assert_eq!((attempts.len(), found.failing.unwrap().0), (2, 1), "only what it has refused counts");
    }

    async fn what_a_slow_endpoint_has_not_taken_in_three_days_is_given_up(server: TestServer) {
        let (mut slow, management) = (Receiver::start().await, server.management());
        slow.hang();
        let made = endpoint(&management, &slow.base_url, "x", &["organization.created"]).await;
        for number in 0..5 {
            management.organization(&format!("O{number}")).await;
        }
        let first = slow.next().await.event_id();
        let count = async |state: &str| deliveries(&management, &made, "").await.iter().filter(|found| found["state"] == state).count();
        eventually(async || if count("pending").await == 5 { Some(()) } else { None }).await;
        server.clock.advance_seconds(72 * 3600 - 60);
        countersign::jobs::webhook_maintenance::sweep(std::sync::Arc::clone(&server.app)).await;
        assert_eq!(count("failed").await, 0);
        server.clock.advance_seconds(120);
        countersign::jobs::webhook_maintenance::sweep(std::sync::Arc::clone(&server.app)).await;
        let all = deliveries(&management, &made, "").await;
        for found in &all {
            let expected = if found["event_id"] == json!(first) { "pending" } else { "failed" };
            assert_eq!(found["state"], expected, "{all:?}");
        }
        assert_eq!(management.get(&path(&made)).await.json()["status"], "enabled");
    }

    async fn an_endpoint_with_much_on_its_way_is_enabled_at_once_and_sent_what_happens_from_then_on(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["user.updated"]).await;
        let key = (server.environment_id(), made["id"].as_str().unwrap().parse().unwrap());
        happen(&server, 10_000, 1).await;
        let arrived = receiver.next().await.event_id();
        settled(&management, &made).await;
        receiver.always_answer(500);
        happen(&server, 0, 6000).await;
        let all = management.get("/events?limit=1&order=desc").await.expect_list();
        eventually(async || {
            let mut reader = server.app.store.reader().await.unwrap();
            let pending = countersign_store::webhook_delivery::pending(&mut reader, 10_000).await.unwrap();
            Some(()).filter(|()| pending == 6000)
        }).await;
        management.patch(&path(&made), json!({"status": "disabled"})).await.expect(200);
        management.patch(&path(&made), json!({"status": "enabled"})).await.expect(200);
        let resend = format!("{}/deliveries/{arrived}/resend", path(&made));
        management.post(&resend, json!({})).await.expect_code(409, "deliveries_being_dropped");
        let mut reader = server.app.store.reader().await.unwrap();
        assert!(countersign_store::webhook_delivery::pending(&mut reader, 10_000).await.unwrap() > 0, "the request did not wait for all of them");
        assert!(countersign_store::webhook_endpoint::drops(&mut reader, key).await.unwrap().is_some());
        drop(reader);
        receiver.always_answer(200);
        // About an object with deliveries pending from before.
        happen(&server, 6000, 1).await;
        let mut received = receiver.next().await;
        // Events rejected before the endpoint was disabled may arrive in the meantime.
        while received.json()["data"]["number"] != 6000 {
            let event = received.event_id();
            let path = format!("{}/deliveries/{event}", path(&made));
            assert_ne!(management.get(&path).await.json()["state"], "delivered", "it is from before");
            received = receiver.next().await;
        }
        let kept = eventually(async || {
            Some(deliveries(&management, &made, "").await).filter(|all| all.iter().all(|found| found["state"] != "pending"))
        }).await;
        assert_eq!(kept.len(), 2, "{kept:?}");
        // Delivered events can now be resent, and missed ones replayed.
        management.post(&resend, json!({})).await.expect(202);
        assert_eq!(receiver.next().await.event_id(), arrived);
        management.post(&format!("{}/replay", path(&made)), json!({"from": all[0]["id"]})).await.expect(202);
        assert_eq!(receiver.next().await.event_id(), all[0]["id"].as_str().unwrap());
    }

    async fn what_is_enabled_again_before_its_end_was_seen_to_loses_nothing(server: TestServer) {
        let (receiver, management) = (Receiver::start().await, server.management());
        receiver.hang();
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        let key = (server.environment_id(), made["id"].as_str().unwrap().parse().unwrap());
        management.patch(&path(&made), json!({"status": "disabled"})).await.expect(200);
        management.patch(&path(&made), json!({"status": "enabled"})).await.expect(200);
        management.organization("A").await;
        management.get("/events").await.expect(200);
        let store = server.app.store.clone();
        // A node saw it disabled, and gets to it only now.
        let end = async || {
            let ended = store.write::<(), countersign::domain::Failure, _>(move |tx| {
                Box::pin(async move { countersign::domain::webhooks::go_on_ending(tx, key).await })
            });
            ended.await.unwrap();
        };
        end().await;
        assert_eq!(deliveries(&management, &made, "&state=pending").await.len(), 1);
        management.delete(&path(&made)).await.expect(204);
        end().await;
        assert_eq!(countersign_store::webhook_endpoint::count(&mut store.reader().await.unwrap(), key.0).await.unwrap(), 0);
        // Another node that comes later finds nothing.
        end().await;
    }

    async fn an_endpoint_that_has_failed_for_three_days_is_given_up(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        receiver.always_answer(500);
        management.organization("A").await;
        let event = receiver.next().await.event_id();
        for tries in 1..12 {
            next_try(&server, &made, &event, tries).await;
            receiver.next().await;
        }
        delivery(&management, &made, &event, |found| found["state"] == "failed").await;
        assert_eq!(management.get(&path(&made)).await.json()["status"], "enabled", "one event alone is no reason");
        server.clock.advance_seconds(72 * 3600);
        management.organization("B").await;
        receiver.next().await;
        let given_up = eventually(async || {
            Some(management.get(&path(&made)).await.json()).filter(|found| found["status"] == "disabled")
        }).await;
        assert!(given_up["disabled_reason"].as_str().unwrap().contains("three days"));
        let told = management.get("/events?events=webhook_endpoint.disabled").await.expect_list();
        assert_eq!(told.len(), 1);
        // Once enabled again, it starts afresh: one failure does not disable it.
        management.patch(&path(&made), json!({"status": "enabled"})).await.expect(200);
        receiver.answer(500);
        receiver.always_answer(200);
        management.organization("C").await;
        let event = receiver.next().await;
        assert_eq!(event.json()["data"]["name"], "C");
        next_try(&server, &made, &event.event_id(), 1).await;
        receiver.next().await;
        settled(&management, &made).await;
        assert_eq!(management.get(&path(&made)).await.json()["status"], "enabled");
    }
}

/// Writes numbered events about a thousand objects and assigns their positions.
async fn happen(server: &TestServer, from: usize, count: usize) {
    let (environment_id, entropy, now) =
        (server.environment_id(), std::sync::Arc::clone(&server.app.entropy), server.clock.now());
    let written = server.app.store.write::<(), countersign::domain::Failure, _>(move |tx| {
        Box::pin(async move {
            for number in from..from + count {
                let subject = format!("it {}", number % 1000);
                let data = json!({"id": subject, "number": number});
                let new = countersign_store::event::NewEvent {
                    id: entropy.id(now)?,
                    event: "user.updated",
                    organization_id: None,
                    subject: &subject,
                    data: &data,
                    created_at: now,
                };
                countersign_store::event::append(tx, environment_id, &new).await?;
            }
            Ok(())
        })
    });
    written.await.unwrap();
    countersign::domain::events::place(&server.app.store, &server.app.clock).await.unwrap();
}
