//! Two nodes write and a third is read: a consumer that pages by cursor misses no event and sees none twice.

use crate::harness::{TestServer, on_both_databases};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const WRITERS: usize = 6;
const EACH: usize = 12;

on_both_databases! {
    async fn a_consumer_on_a_third_node_misses_nothing_and_sees_nothing_twice(server: TestServer) {
        let nodes = [server.another_node().await, server.another_node().await];
        let organization = server.management().organization("Start").await;
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let management = nodes[writer % 2].management();
            let path = format!("/organizations/{organization}");
            writers.push(tokio::spawn(async move {
                for number in 0..EACH {
                    // One transaction with three events, and one event of an object that the writers compete for.
                    let name = format!("{writer}-{number}");
                    let domains = json!([{"domain": format!("a{name}.com"), "state": "pending"}, {"domain": format!("b{name}.com"), "state": "pending"}]);
                    management.post("/organizations", json!({"name": name, "domain_data": domains})).await.expect(201);
                    management.put(&path, json!({"name": name})).await.expect(200);
                }
            }));
        }
        let consumer = server.management();
        let total = 1 + WRITERS * EACH * 4;
        let consume = async {
            let (mut seen, mut after) = (Vec::new(), String::new());
            while seen.len() < total {
                let page = consumer.get(&format!("/events?limit=7{after}")).await.expect_list();
                if let Some(last) = page.last() {
                    after = format!("&after={}", last["id"].as_str().unwrap());
                }
                seen.extend(page);
            }
            seen
        };
        let seen: Vec<Value> = tokio::time::timeout(Duration::from_secs(120), consume).await.expect("everything is seen");
        for writer in writers {
            writer.await.unwrap();
        }
        let last = seen.last().unwrap()["id"].as_str().unwrap();
        assert_eq!(consumer.get(&format!("/events?after={last}")).await.expect_list(), Vec::<Value>::new());
        assert_eq!(seen.iter().map(|event| event["id"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), total);
        let (mut updates, mut made): (Vec<&str>, BTreeMap<&str, Vec<usize>>) = (Vec::new(), BTreeMap::new());
        for (at, event) in seen.iter().enumerate() {
            match event["event"].as_str().unwrap() {
                "organization.updated" => updates.push(event["data"]["name"].as_str().unwrap()),
                "organization.created" => made.entry(event["data"]["id"].as_str().unwrap()).or_default().insert(0, at),
                "organization_domain.created" => made.entry(event["data"]["organization_id"].as_str().unwrap()).or_default().push(at),
                other => panic!("{other}"),
            }
        }
        // The object's final state is that of its last event, and each writer's changes are in order.
        let now = consumer.get(&format!("/organizations/{organization}")).await.expect(200).text_at("name");
        assert_eq!(updates.last(), Some(&now.as_str()));
        for writer in 0..WRITERS {
            let mine = format!("{writer}-");
            let of_writer: Vec<_> = updates.iter().filter(|name| name.starts_with(&mine)).copied().collect();
            assert_eq!(of_writer, (0..EACH).map(|number| format!("{writer}-{number}")).collect::<Vec<_>>());
        }
        // An organization comes before its domains.
        for (id, places) in made {
            assert!(places.is_sorted(), "{id}: {places:?}");
            assert!(id == organization || places.len() == 3, "{id}: {places:?}");
        }
    }

    async fn nobody_needs_to_ask_for_events_to_get_their_places(server: TestServer) {
        server.management().organization("Acme").await;
        let store = server.app.store.clone();
        crate::nodes::until(async || {
            let mut reader = store.reader().await.unwrap();
            !countersign_store::event::is_unplaced(&mut reader).await.unwrap()
        }).await;
    }

    async fn what_was_just_written_on_another_node_is_there_at_once(server: TestServer) {
        let other = server.another_node().await;
        for number in 1..=10 {
            server.management().organization(&format!("O{number}")).await;
            assert_eq!(other.management().get("/events?limit=100").await.expect_list().len(), number);
        }
    }
}
