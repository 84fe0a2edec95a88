//! Webhook deliveries: created when their event gets its position, in order, each for one node.

use crate::harness::{Database, at};
use crate::sample::{fresh, plant_environment};
use countersign_protocol::id::{EnvironmentId, EventId, WebhookEndpointId};
use countersign_protocol::model::{AttemptOutcome, DeliveryState, WebhookAttempt, WebhookEndpoint, WebhookStatus};
use countersign_protocol::webhook::rotation::Rotation;
use countersign_store::event::{self, NewEvent};
use countersign_store::webhook_delivery::{self, Claimed};
use countersign_store::webhook_endpoint::{self, Key};
use countersign_store::{Result, Store, webhook_attempt};
use serde_json::json;
use tokio::sync::oneshot;

const TRIES: i64 = 12;

async fn plant_endpoint(store: &Store, environment_id: EnvironmentId) -> Key {
    let id: WebhookEndpointId = fresh();
    let endpoint = WebhookEndpoint {
        id,
        endpoint_url: format!("https://example.com/{id}"),
        secrets: Rotation { secret: vec![1, 2, 3], next: None },
        status: WebhookStatus::Enabled,
        events: vec!["it.changed".to_owned()],
        failing: None,
        created_at: at(0),
        updated_at: at(0),
    };
    transaction!(store, |tx| webhook_endpoint::insert(tx, environment_id, &endpoint).await).unwrap();
    (environment_id, id)
}

/// Appends an event about a subject and assigns its position.
async fn happen(store: &Store, environment_id: EnvironmentId, subject: &'static str) -> EventId {
    let id: EventId = fresh();
    transaction!(store, |tx| {
        let new = NewEvent {
            id,
            event: "it.changed",
            organization_id: None,
            subject,
            data: &json!({"id": subject}),
            created_at: at(0),
        };
        event::append(tx, environment_id, &new).await
    })
    .unwrap();
    transaction!(store, |tx| event::place(tx, TRIES, at(1_000_000_000)).await).unwrap();
    id
}

async fn claim(store: &Store, key: Key, most: usize) -> Vec<Claimed> {
    transaction!(store, |tx| webhook_delivery::claim(tx, key, at(10), at(40), most).await).unwrap()
}

fn events(claimed: &[Claimed]) -> Vec<EventId> {
    claimed.iter().map(|claimed| claimed.event_id).collect()
}

async fn settle(store: &Store, claimed: Claimed, state: DeliveryState) -> bool {
    transaction!(store, |tx| {
        webhook_endpoint::succeeded(tx, claimed.key, "https://example.com").await?;
        webhook_delivery::settle(tx, &claimed, state, at(5)).await
    })
    .unwrap()
}

on_both_databases! {
    async fn one_of_each_subject_is_due_and_the_next_when_it_is_settled(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        let first = happen(&store, environment_id, "a").await;
        let second = happen(&store, environment_id, "a").await;
        let third = happen(&store, environment_id, "a").await;
        let other = happen(&store, environment_id, "b").await;
        let claimed = claim(&store, key, 9).await;
        assert_eq!(events(&claimed), [first, other]);
        assert_eq!(claim(&store, key, 9).await, [], "they are taken");
        assert!(settle(&store, claimed[0], DeliveryState::Delivered).await);
        assert!(!settle(&store, claimed[0], DeliveryState::Delivered).await, "once");
        let next = claim(&store, key, 9).await[0];
        assert_eq!(next.event_id, second);
        // A delivery that is retried blocks the others; one that has failed does not.
        assert!(transaction!(store, |tx| webhook_delivery::retry(tx, &next, at(100)).await).unwrap());
        assert_eq!(claim(&store, key, 9).await, []);
        assert!(settle(&store, next, DeliveryState::Failed).await);
        assert_eq!(events(&claim(&store, key, 9).await), [third]);
    }

    async fn what_was_not_settled_in_time_is_taken_again_and_the_first_is_too_late_to_put_it_off(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        let event = happen(&store, environment_id, "a").await;
        let first = claim(&store, key, 9).await[0];
        let second = transaction!(store, |tx| webhook_delivery::claim(tx, key, at(40), at(70), 9).await).unwrap()[0];
        assert_eq!((second.event_id, second.number, second.remaining), (event, 2, TRIES - 2));
        assert!(!transaction!(store, |tx| webhook_delivery::retry(tx, &first, at(1000)).await).unwrap());
        assert!(settle(&store, first, DeliveryState::Delivered).await, "but it may say that it has arrived");
        assert!(!transaction!(store, |tx| webhook_delivery::retry(tx, &second, at(1000)).await).unwrap());
    }

    async fn another_environment_has_none_of_them(store: Store) {
        let (here, there) = (plant_environment(&store).await, plant_environment(&store).await);
        let (mine, theirs) = (plant_endpoint(&store, here).await, plant_endpoint(&store, there).await);
        let event = happen(&store, there, "a").await;
        assert_eq!(claim(&store, mine, 9).await, []);
        let crossed = (here, theirs.1);
        assert_eq!(claim(&store, crossed, 9).await, []);
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(webhook_endpoint::find(reader, crossed).await.unwrap(), None);
        assert_eq!(webhook_delivery::find(reader, crossed, event).await.unwrap(), None);
        assert!(webhook_delivery::find(reader, theirs, event).await.unwrap().is_some());
        let url = format!("https://example.com/{}", crossed.1);
        assert_eq!(webhook_endpoint::find_by_url(reader, here, &url).await.unwrap(), None);
        assert_eq!(webhook_endpoint::find_by_url(reader, there, &url).await.unwrap(), Some(theirs.1));
        assert!(!transaction!(store, |tx| webhook_endpoint::lock(tx, crossed).await).unwrap());
        assert!(!transaction!(store, |tx| webhook_endpoint::delete(tx, crossed).await).unwrap());
        let other = Claimed { key: crossed, event_id: event, number: 0, remaining: 0 };
        assert!(!settle(&store, other, DeliveryState::Failed).await);
        assert_eq!(transaction!(store, |tx| webhook_delivery::drop_some(tx, crossed, true).await).unwrap(), 0);
        assert_eq!(events(&claim(&store, theirs, 9).await), [event]);
    }

    async fn what_was_pending_when_an_endpoint_was_enabled_is_dropped_before_anything_is_sent(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        happen(&store, environment_id, "a").await;
        happen(&store, environment_id, "b").await;
        let through = event::head(&mut store.reader().await.unwrap()).await.unwrap();
        let new = happen(&store, environment_id, "a").await;
        transaction!(store, |tx| webhook_endpoint::set_drops(tx, key, Some(through)).await).unwrap();
        assert_eq!(claim(&store, key, 9).await, [], "nothing, not even by a node that has just sent something");
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(webhook_endpoint::due(reader, at(10)).await.unwrap(), []);
        assert_eq!(webhook_endpoint::dropping(reader).await.unwrap(), [key]);
        assert_eq!(transaction!(store, |tx| webhook_delivery::drop_some_through(tx, key, through).await).unwrap(), 2);
        transaction!(store, |tx| webhook_endpoint::set_drops(tx, key, None).await).unwrap();
        assert_eq!(webhook_endpoint::dropping(reader).await.unwrap(), []);
        // The new delivery was blocked behind the dropped one.
        assert_eq!(claim(&store, key, 9).await, []);
        assert_eq!(webhook_delivery::blocked(reader).await.unwrap(), [(key, "a".to_owned())]);
        assert!(transaction!(store, |tx| webhook_delivery::release(tx, key, "a", at(10)).await).unwrap());
        assert!(!transaction!(store, |tx| webhook_delivery::release(tx, key, "a", at(10)).await).unwrap(), "one may go by now");
        assert_eq!(webhook_delivery::blocked(reader).await.unwrap(), []);
        assert_eq!(events(&claim(&store, key, 9).await), [new]);
    }

    async fn what_was_never_taken_has_an_end_and_what_is_being_tried_has_its_own(database: Database) {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let (key, other) = (plant_endpoint(&store, environment_id).await, plant_endpoint(&store, environment_id).await);
        let taken = happen(&store, environment_id, "a").await;
        assert_eq!(events(&claim(&store, key, 9).await), [taken]);
        let old = happen(&store, environment_id, "b").await;
        let young = happen(&store, environment_id, "b").await;
        database.execute(&format!("UPDATE webhook_delivery SET pending_since = pending_since + 100 WHERE event_id = '{young}'")).await;
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(webhook_endpoint::overdue(reader, at(0), TRIES).await.unwrap(), [], "not before its time");
        let mut overdue = webhook_endpoint::overdue(reader, at(1), TRIES).await.unwrap();
        overdue.sort_unstable();
        let mut expected = [key, other];
        expected.sort_unstable();
        assert_eq!(overdue, expected);
        assert_eq!(transaction!(store, |tx| webhook_delivery::expire(tx, key, at(1), TRIES, at(9)).await).unwrap(), 1);
        let state = async |event| webhook_delivery::find(&mut store.reader().await.unwrap(), key, event).await.unwrap().unwrap().0.state;
        assert_eq!((state(taken).await, state(old).await, state(young).await), (DeliveryState::Pending, DeliveryState::Failed, DeliveryState::Pending));
        assert_eq!(webhook_delivery::blocked(reader).await.unwrap(), [(key, "b".to_owned())]);
        transaction!(store, |tx| webhook_delivery::release(tx, key, "b", at(10)).await).unwrap();
        assert_eq!(events(&claim(&store, key, 9).await), [young]);
        assert_eq!(events(&claim(&store, other, 9).await), [taken, old], "another endpoint's are as they were");
    }

    async fn what_is_on_its_way_is_not_sent_again_beside_that(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        let event = happen(&store, environment_id, "a").await;
        let claimed = claim(&store, key, 9).await[0];
        transaction!(store, |tx| webhook_delivery::again(tx, key, event, TRIES, at(10)).await).unwrap();
        assert_eq!(claim(&store, key, 9).await, [], "it is on its way");
        let attempt = WebhookAttempt {
            number: claimed.number, attempted_at: at(11), milliseconds: 1, endpoint_url: "https://example.com".to_owned(),
            outcome: AttemptOutcome::Nothing("x".to_owned()),
        };
        transaction!(store, |tx| {
            assert!(webhook_delivery::retry(tx, &claimed, at(1000)).await?);
            webhook_attempt::insert(tx, key, event, &attempt).await
        })
        .unwrap();
        assert_eq!(claim(&store, key, 9).await, [], "it waits for its next try");
        transaction!(store, |tx| webhook_delivery::again(tx, key, event, TRIES, at(10)).await).unwrap();
        let again = claim(&store, key, 9).await;
        assert_eq!((again[0].event_id, again[0].number, again[0].remaining), (event, 2, TRIES - 1));
    }

    async fn where_many_want_events_fewer_are_placed_at_a_time(store: Store) {
        let environment_id = plant_environment(&store).await;
        for _ in 0..50 {
            plant_endpoint(&store, environment_id).await;
        }
        // Endpoints of other environments do not count.
        plant_endpoint(&store, plant_environment(&store).await).await;
        transaction!(store, |tx| {
            for _ in 0..230 {
                let new = NewEvent {
                    id: fresh(),
                    event: "it.changed",
                    organization_id: None,
                    subject: "it",
                    data: &json!({}),
                    created_at: at(0),
                };
                event::append(tx, environment_id, &new).await?;
            }
            Ok(())
        })
        .unwrap();
        let first = transaction!(store, |tx| event::place(tx, TRIES, at(1_000_000_000)).await).unwrap();
        assert_eq!((first.count, first.full), (200, true));
        assert_eq!(webhook_delivery::pending(&mut store.reader().await.unwrap(), 20_000).await.unwrap(), 10_000);
        let rest = transaction!(store, |tx| event::place(tx, TRIES, at(1_000_000_000)).await).unwrap();
        assert_eq!((rest.count, rest.full), (30, false));
    }

    async fn what_ends_an_endpoint_minds_that_it_was_enabled_again_and_what_is_left(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        happen(&store, environment_id, "a").await;
        assert_eq!(transaction!(store, |tx| webhook_endpoint::lock_ended(tx, key).await).unwrap(), None);
        transaction!(store, |tx| webhook_endpoint::disable(tx, key, None, at(1)).await).unwrap();
        assert_eq!(transaction!(store, |tx| webhook_endpoint::lock_ended(tx, key).await).unwrap(), Some(false));
        transaction!(store, |tx| webhook_endpoint::delete(tx, key).await).unwrap();
        assert_eq!(transaction!(store, |tx| webhook_endpoint::lock_ended(tx, key).await).unwrap(), Some(true));
        transaction!(store, |tx| webhook_endpoint::forget(tx, key).await).unwrap();
        assert_eq!(webhook_endpoint::count(&mut store.reader().await.unwrap(), environment_id).await.unwrap(), 1, "not with its deliveries");
        assert_eq!(transaction!(store, |tx| webhook_delivery::drop_some(tx, key, true).await).unwrap(), 1);
        transaction!(store, |tx| webhook_endpoint::forget(tx, key).await).unwrap();
        assert_eq!(webhook_endpoint::count(&mut store.reader().await.unwrap(), environment_id).await.unwrap(), 0);
        assert_eq!(transaction!(store, |tx| webhook_endpoint::lock_ended(tx, key).await).unwrap(), None);
    }

    async fn two_nodes_never_take_the_same(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        let subjects: Vec<&'static str> = (0..40).map(|number| &*Box::leak(number.to_string().into_boxed_str())).collect();
        let mut made = Vec::new();
        for subject in subjects {
            made.push(happen(&store, environment_id, subject).await);
        }
        let nodes: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    for _ in 0..20 {
                        mine.extend(events(&claim(&store, key, 3).await));
                    }
                    mine
                })
            })
            .collect();
        let mut taken = Vec::new();
        for node in nodes {
            taken.extend(node.await.unwrap());
        }
        taken.sort_unstable();
        assert_eq!(taken, made);
    }

    async fn old_deliveries_are_forgotten_and_not_those_that_are_pending(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        let old = happen(&store, environment_id, "a").await;
        let pending = happen(&store, environment_id, "b").await;
        let claimed = claim(&store, key, 1).await;
        assert_eq!(events(&claimed), [old]);
        settle(&store, claimed[0], DeliveryState::Delivered).await;
        assert_eq!(transaction!(store, |tx| webhook_delivery::prune(tx, at(5)).await).unwrap(), 0);
        assert_eq!(transaction!(store, |tx| webhook_delivery::prune(tx, at(6)).await).unwrap(), 1);
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(webhook_delivery::find(reader, key, old).await.unwrap(), None);
        assert!(webhook_delivery::find(reader, key, pending).await.unwrap().is_some());
    }
}

/// The pitfall: whoever creates the next delivery sees one pending, and whoever settles that one does not see the next.
/// Instead, one waits for the other. SQLite has a single writer.
#[test]
fn what_is_made_while_the_one_before_is_settled_does_not_wait_for_ever() {
    crate::harness::on_postgres(|store: Store| async move {
        let environment_id = plant_environment(&store).await;
        let key = plant_endpoint(&store, environment_id).await;
        happen(&store, environment_id, "a").await;
        let claimed = claim(&store, key, 9).await[0];
        let ((settled, is_settled), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
        let slow = tokio::spawn({
            let store = store.clone();
            async move {
                let outcome: Result<()> = transaction!(store, |tx| {
                    webhook_endpoint::succeeded(tx, claimed.key, "https://example.com").await?;
                    assert!(webhook_delivery::settle(tx, &claimed, DeliveryState::Delivered, at(5)).await?);
                    settled.send(()).unwrap();
                    may_go_on.await.unwrap();
                    Ok(())
                });
                outcome
            }
        });
        is_settled.await.unwrap();
        let placing = tokio::spawn({
            let store = store.clone();
            async move { happen(&store, environment_id, "a").await }
        });
        go_on.send(()).unwrap();
        slow.await.unwrap().unwrap();
        let next = placing.await.unwrap();
        assert_eq!(events(&claim(&store, key, 9).await), [next]);
    });
}

/// The pitfall: the endpoints of an event are looked up twice, first to lock them and then to create deliveries; an
/// endpoint that subscribes in between is not locked. SQLite has a single writer.
#[test]
fn who_comes_to_want_an_event_while_deliveries_are_made_is_sent_the_next_one() {
    crate::harness::on_postgres(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let (first, late) =
            (plant_endpoint(&store, environment_id).await, plant_endpoint(&store, environment_id).await);
        let want = async |events: Vec<String>| {
            let url = format!("https://example.com/{}", late.1);
            transaction!(store, |tx| webhook_endpoint::update(tx, late, &url, &events, at(0)).await).unwrap();
        };
        want(Vec::new()).await;
        let ((locked, is_locked), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
        let holding = tokio::spawn({
            let store = store.clone();
            async move {
                let outcome: Result<()> = transaction!(store, |tx| {
                    assert!(webhook_endpoint::lock(tx, first).await?);
                    locked.send(()).unwrap();
                    may_go_on.await.unwrap();
                    Ok(())
                });
                outcome
            }
        });
        is_locked.await.unwrap();
        let placing = tokio::spawn({
            let store = store.clone();
            async move { happen(&store, environment_id, "a").await }
        });
        // It has looked up the endpoints, and waits for the locked one.
        let waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'tuple' AND relation = 'webhook_endpoint'::regclass";
        let began = std::time::Instant::now();
        while database.rows(waiting).await.is_empty() {
            assert!(began.elapsed() < crate::harness::TIMEOUT, "it does not wait");
        }
        want(vec!["it.changed".to_owned()]).await;
        go_on.send(()).unwrap();
        holding.await.unwrap().unwrap();
        let event = placing.await.unwrap();
        assert_eq!(events(&claim(&store, first, 9).await), [event]);
        assert_eq!(webhook_delivery::find(&mut store.reader().await.unwrap(), late, event).await.unwrap(), None);
        let next = happen(&store, environment_id, "a").await;
        assert_eq!(events(&claim(&store, late, 9).await), [next]);
    });
}
