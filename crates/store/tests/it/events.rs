//! The event log: read by position in commit order, completely, each event once, and in order per object.

use crate::harness::{Database, TIMEOUT, at};
use crate::sample::{fresh, fresh_digest, plant_environment};
use countersign_protocol::id::{EnvironmentId, EventId, OrganizationId};
use countersign_protocol::management::events::{Event, Filter};
use countersign_protocol::management::page::Scan;
use countersign_protocol::time::Timestamp;
use countersign_store::event::{self, EventRange, NewEvent};
use countersign_store::{Error, Result, Store, Tx, attempt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Later than everything in these tests.
const LATER: countersign_protocol::time::Timestamp = at(1_000_000_000);

async fn append(tx: &mut Tx, environment_id: EnvironmentId, id: EventId, data: &Value) -> Result<()> {
    let new = NewEvent { id, event: "test.happened", organization_id: None, subject: "it", data, created_at: at(0) };
    event::append(tx, environment_id, &new).await
}

async fn place(store: &Store) -> usize {
    transaction!(store, |tx| event::place(tx, 12, LATER).await).unwrap().count
}

async fn read(store: &Store, environment_id: EnvironmentId, filter: &Filter, stretch: EventRange) -> Vec<Event> {
    event::list(&mut store.reader().await.unwrap(), environment_id, filter, stretch).await.unwrap()
}

/// Reads the events after another one, as a consumer does: by its identifier.
async fn after(store: &Store, environment_id: EnvironmentId, last: Option<EventId>, limit: usize) -> Vec<Event> {
    let mut reader = store.reader().await.unwrap();
    let from = match last {
        Some(id) => Some(event::position(&mut reader, environment_id, id).await.unwrap().expect("it has a position")),
        None => None,
    };
    drop(reader);
    read(store, environment_id, &Filter::default(), EventRange { scan: Scan::Ascending, from, limit }).await
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

on_both_databases! {
    async fn an_event_is_seen_once_it_has_a_position(store: Store) {
        let environment_id = plant_environment(&store).await;
        let made: [EventId; 3] = [fresh(), fresh(), fresh()];
        // In the order in which they were written, regardless of their identifiers.
        let [first, second, third] = made;
        transaction!(store, |tx| {
            append(tx, environment_id, third, &json!({})).await?;
            append(tx, environment_id, first, &json!({})).await?;
            append(tx, environment_id, second, &json!({})).await
        })
        .unwrap();
        assert!(event::is_unplaced(&mut store.reader().await.unwrap()).await.unwrap());
        assert_eq!(after(&store, environment_id, None, 9).await, []);
        assert_eq!(event::position(&mut store.reader().await.unwrap(), environment_id, first).await.unwrap(), None);
        assert_eq!(place(&store).await, 3);
        assert_eq!(place(&store).await, 0);
        assert!(!event::is_unplaced(&mut store.reader().await.unwrap()).await.unwrap());
        assert_eq!(ids(&after(&store, environment_id, None, 9).await), [third, first, second]);
        assert_eq!(ids(&after(&store, environment_id, Some(third), 9).await), [first, second]);
    }

    async fn what_a_wrong_clock_says_to_be_of_the_future_hides_nothing_that_comes_after(store: Store) {
        const DAY: i64 = 86_400_000;
        let environment_id = plant_environment(&store).await;
        let (wrong, right): (EventId, EventId) = (fresh(), fresh());
        let (again, late): (EventId, EventId) = (fresh(), fresh());
        for (id, created_at, now) in [
            (wrong, at(DAY), at(0)), (right, at(1000), at(500)),
            // The right one is placed after the wrong one, and is older than the time when that was placed.
            (again, at(DAY), at(10_000)), (late, at(9000), at(10_100)),
        ] {
            transaction!(store, |tx| {
                let data = json!({});
                let new = NewEvent { id, event: "a.b", organization_id: None, subject: "it", data: &data, created_at };
                event::append(tx, environment_id, &new).await?;
                event::place(tx, 12, now).await
            })
            .unwrap();
        }
        let all = EventRange { scan: Scan::Ascending, from: None, limit: 9 };
        let until = Filter { end: Some(at(2000)), ..Filter::default() };
        assert_eq!(ids(&read(&store, environment_id, &until, all).await), [right]);
        let until = Filter { end: Some(at(9500)), ..Filter::default() };
        assert_eq!(ids(&read(&store, environment_id, &until, all).await), [right, late]);
        assert_eq!(ids(&read(&store, environment_id, &Filter::default(), all).await), [wrong, right, again, late]);
        // Clocks differ, and placing may wait for other transactions: an event slightly ahead is found at its own time.
        let from = Filter { start: Some(at(1000)), end: Some(at(2000)), ..Filter::default() };
        assert_eq!(ids(&read(&store, environment_id, &from, all).await), [right]);
    }

    async fn another_environments_events_are_not_there(store: Store) {
        let (here, there) = (plant_environment(&store).await, plant_environment(&store).await);
        let (mine, theirs): (EventId, EventId) = (fresh(), fresh());
        transaction!(store, |tx| {
            append(tx, there, theirs, &json!({})).await?;
            append(tx, here, mine, &json!({})).await
        })
        .unwrap();
        place(&store).await;
        assert_eq!(ids(&after(&store, here, None, 9).await), [mine]);
        let mut reader = store.reader().await.unwrap();
        assert_eq!(event::position(&mut reader, here, theirs).await.unwrap(), None);
        let organization: OrganizationId = fresh();
        drop(reader);
        transaction!(store, |tx| {
            let new = NewEvent { id: fresh(), event: "a.b", organization_id: Some(organization), subject: "it", data: &json!({}), created_at: at(0) };
            event::append(tx, there, &new).await
        })
        .unwrap();
        place(&store).await;
        let filter = Filter { organization_id: Some(organization), ..Filter::default() };
        let all = EventRange { scan: Scan::Ascending, from: None, limit: 9 };
        assert_eq!(read(&store, here, &filter, all).await, []);
        assert_eq!(read(&store, there, &filter, all).await.len(), 1);
        let mut reader = store.reader().await.unwrap();
        assert!(!event::is_of_organization(&mut reader, here, organization).await.unwrap());
        assert!(event::is_of_organization(&mut reader, there, organization).await.unwrap());
    }

    async fn more_than_one_batch_is_placed_in_order(store: Store) {
        let environment_id = plant_environment(&store).await;
        let made: Vec<EventId> = (0..event::BATCH + 5).map(|_| fresh()).collect();
        let planted = made.clone();
        transaction!(store, |tx| {
            for id in planted {
                append(tx, environment_id, id, &json!({})).await?;
            }
            Ok(())
        })
        .unwrap();
        assert_eq!([place(&store).await, place(&store).await, place(&store).await], [event::BATCH, 5, 0]);
        assert_eq!(ids(&after(&store, environment_id, None, 2 * event::BATCH).await), made);
    }

    // Every filter returns what selecting from the whole log would.
    async fn filters_and_directions_agree_with_the_whole_log(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organizations: [OrganizationId; 2] = [fresh(), fresh()];
        let names = ["a.made", "a.gone", "b.made"];
        let mut organization_of = BTreeMap::new();
        for number in 0_usize..80 {
            // The times are not quite in commit order.
            let created_at = at(i64::try_from(1000 * (number + number * 7 % 5)).unwrap());
            let organization_id = organizations.get(number % 3).copied();
            let (id, event): (EventId, _) = (fresh(), names[number * number % 7 % 3]);
            organization_of.insert(id, organization_id);
            transaction!(store, |tx| {
                let new = NewEvent { id, event, organization_id, subject: "it", data: &json!({"number": number}), created_at };
                event::append(tx, environment_id, &new).await
            })
            .unwrap();
            if number % 9 == 0 {
                place(&store).await;
            }
        }
        place(&store).await;
        let whole = after(&store, environment_id, None, 1000).await;
        assert_eq!(whole.len(), 80);
        let mut reader = store.reader().await.unwrap();
        let mut positions = BTreeMap::new();
        for event in &whole {
            positions.insert(event.id, event::position(&mut reader, environment_id, event.id).await.unwrap().unwrap());
        }
        drop(reader);
        assert_eq!(positions.values().collect::<BTreeSet<_>>().len(), 80);
        let mut found = 0;
        for asked in [&[][..], &["a.made"], &["a.made", "b.made"], &["a.gone", "a.made", "b.made", "x.y"], &["x.y"]] {
            for organization_id in [None, Some(organizations[0]), Some(fresh())] {
                for (start, end) in [(None, None), (Some(at(20_000)), None), (None, Some(at(50_000))), (Some(at(20_000)), Some(at(50_000))), (Some(at(900_000)), None)] {
                    for scan in [Scan::Ascending, Scan::Descending] {
                        for (from, limit) in [(None, 7), (Some(40), 5), (Some(40), 1000)] {
                            let filter = Filter { names: asked.iter().map(|name| (*name).to_owned()).collect(), organization_id, start, end };
                            let seen = read(&store, environment_id, &filter, EventRange { scan, from, limit }).await;
                            let mut expected: Vec<&Event> = whole
                                .iter()
                                .filter(|event| asked.is_empty() || asked.contains(&event.event.as_str()))
                                .filter(|event| organization_id.is_none() || organization_of[&event.id] == organization_id)
                                .filter(|event| start.is_none_or(|start| event.created_at >= start))
                                .filter(|event| end.is_none_or(|end| event.created_at < end))
                                .filter(|event| from.is_none_or(|from| match scan {
                                    Scan::Ascending => positions[&event.id] > from,
                                    Scan::Descending => positions[&event.id] < from,
                                }))
                                .collect();
                            if scan == Scan::Descending {
                                expected.reverse();
                            }
                            expected.truncate(limit);
                            assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{filter:?} {scan:?} {from:?} {limit}");
                            found += seen.len();
                        }
                    }
                }
            }
        }
        assert!(found > 500, "{found}");
    }

    // Two nodes write, both place, and a third reads: nothing is missed, nothing is duplicated, and each object's
    // events are in the order of its locks.
    async fn a_consumer_misses_nothing_while_many_write(database: Database) {
        const WRITERS: usize = 8;
        const EACH: usize = 60;
        let nodes = [database.migrated().await, database.open().await];
        let reader = database.open().await;
        let environment_id = plant_environment(&reader).await;
        let postgres = reader.engine_name() == "PostgreSQL";
        let objects = [fresh_digest(), fresh_digest(), fresh_digest()];
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = nodes[writer % 2].clone();
            writers.spawn(async move {
                for number in 0..EACH {
                    let which = (writer + number) % objects.len();
                    let digest = objects[which];
                    let rolled_back = number % 5 == 4;
                    // Created before any waiting, as everywhere.
                    let (own, shared): (EventId, EventId) = (fresh(), fresh());
                    let outcome: Result<()> = transaction!(store, |tx| {
                        append(tx, environment_id, own, &json!({"object": format!("writer {writer}"), "number": number})).await?;
                        // Locks the object and counts its events.
                        let (count, _) = attempt::count(tx, environment_id, &digest, (at(0), at(1000))).await?;
                        let data = json!({"object": format!("shared {which}"), "number": count});
                        append(tx, environment_id, shared, &data).await?;
                        if postgres {
                            for _ in 0..(writer * 7 + number) % 23 {
                                tokio::task::yield_now().await;
                            }
                        }
                        if rolled_back { Err(Error::NotSupported("rolled back")) } else { Ok(()) }
                    });
                    assert_eq!(outcome.is_err(), rolled_back, "{outcome:?}");
                }
            });
        }
        let (done, mut stopped) = tokio::sync::watch::channel(false);
        let mut placers = JoinSet::new();
        for store in nodes.clone() {
            let stopped = done.subscribe();
            placers.spawn(async move {
                while !*stopped.borrow() {
                    place(&store).await;
                    tokio::task::yield_now().await;
                }
            });
        }
        stopped.mark_unchanged();
        let total = WRITERS * EACH * 4 / 5 * 2;
        let consume = async {
            let (mut seen, mut last) = (Vec::new(), None);
            while seen.len() < total {
                let page = after(&reader, environment_id, last, 7).await;
                last = page.last().map(|event| event.id).or(last);
                seen.extend(page);
                tokio::task::yield_now().await;
            }
            seen
        };
        let seen = tokio::time::timeout(TIMEOUT, consume).await.expect("everything is seen");
        while let Some(outcome) = writers.join_next().await {
            outcome.unwrap();
        }
        done.send(true).unwrap();
        while let Some(outcome) = placers.join_next().await {
            outcome.unwrap();
        }
        place(&reader).await;
        assert_eq!(after(&reader, environment_id, seen.last().map(|event| event.id), 9).await, [], "nothing came after all");
        assert_eq!(after(&reader, environment_id, None, 10_000).await, seen, "the order has not changed since");
        assert_eq!(ids(&seen).into_iter().collect::<BTreeSet<_>>().len(), total, "nothing came twice");
        let mut of_object: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for event in &seen {
            let number = event.data["number"].as_i64().unwrap();
            of_object.entry(event.data["object"].as_str().unwrap()).or_default().push(number);
        }
        assert_eq!(of_object.len(), WRITERS + objects.len());
        for (object, numbers) in of_object {
            if object.starts_with("shared") {
                assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(), "{object}");
            } else {
                let committed = (0..i64::try_from(EACH).unwrap()).filter(|number| number % 5 != 4).collect::<Vec<_>>();
                assert_eq!(numbers, committed, "{object}");
            }
        }
        if postgres {
            let in_order_of_ids = ids(&seen).is_sorted();
            assert!(!in_order_of_ids, "the order of identifiers would have been wrong, or this tests nothing");
        }
    }

    async fn forgetting_an_event_leaves_the_others_in_their_places(store: Store) {
        let environment_id = plant_environment(&store).await;
        let made: Vec<EventId> = (0..6).map(|_| fresh()).collect();
        for (id, age) in made.iter().copied().zip([0, 1, 2, 50, 51, 52]) {
            transaction!(store, |tx| {
                let new = NewEvent { id, event: "a.b", organization_id: None, subject: "it", data: &json!({}), created_at: at(age) };
                event::append(tx, environment_id, &new).await
            })
            .unwrap();
        }
        place(&store).await;
        let kept = event::position(&mut store.reader().await.unwrap(), environment_id, made[3]).await.unwrap();
        assert_eq!(transaction!(store, |tx| event::prune(tx, at(50)).await).unwrap(), 3);
        assert_eq!(event::position(&mut store.reader().await.unwrap(), environment_id, made[2]).await.unwrap(), None);
        assert_eq!(event::position(&mut store.reader().await.unwrap(), environment_id, made[3]).await.unwrap(), kept);
        assert_eq!(ids(&after(&store, environment_id, Some(made[3]), 9).await), made[4..]);
        // New events come after them, even when none are left.
        assert_eq!(transaction!(store, |tx| event::prune(tx, Timestamp::from_millis(i64::MAX)).await).unwrap(), 3);
        let next: EventId = fresh();
        transaction!(store, |tx| append(tx, environment_id, next, &json!({})).await).unwrap();
        place(&store).await;
        let position = event::position(&mut store.reader().await.unwrap(), environment_id, next).await.unwrap();
        assert_eq!(position, kept.map(|position| position + 3));
    }
}

/// The pitfall: A begins, B begins and commits, somebody reads B, A commits. SQLite has a single writer, so this order
/// is impossible.
#[test]
fn who_has_read_what_was_committed_first_still_gets_what_began_first() {
    crate::harness::on_postgres(|store: Store| async move {
        let environment_id = plant_environment(&store).await;
        let (a, b): (EventId, EventId) = (fresh(), fresh());
        let ((written, is_written), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
        let slow = tokio::spawn({
            let store = store.clone();
            async move {
                transaction!(store, |tx| {
                    append(tx, environment_id, a, &json!({})).await?;
                    written.send(()).unwrap();
                    may_go_on.await.unwrap();
                    Ok(())
                })
            }
        });
        is_written.await.unwrap();
        transaction!(store, |tx| append(tx, environment_id, b, &json!({})).await).unwrap();
        assert_eq!(place(&store).await, 1);
        assert_eq!(ids(&after(&store, environment_id, None, 9).await), [b]);
        assert_eq!(after(&store, environment_id, Some(b), 9).await, []);
        go_on.send(()).unwrap();
        slow.await.unwrap().unwrap();
        assert_eq!(after(&store, environment_id, Some(b), 9).await, []);
        assert_eq!(place(&store).await, 1);
        assert_eq!(ids(&after(&store, environment_id, Some(b), 9).await), [a]);
    });
}

/// Of two concurrent placements, one waits for the other to commit; what that one rolls back is placed after all.
#[test]
fn placing_is_one_at_a_time() {
    crate::harness::on_postgres(|store: Store| async move {
        let environment_id = plant_environment(&store).await;
        let (first, second): (EventId, EventId) = (fresh(), fresh());
        transaction!(store, |tx| append(tx, environment_id, first, &json!({})).await).unwrap();
        let ((placed, is_placed), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
        let slow = tokio::spawn({
            let store = store.clone();
            async move {
                let outcome: Result<()> = transaction!(store, |tx| {
                    placed.send(event::place(tx, 12, LATER).await?.count).unwrap();
                    may_go_on.await.unwrap();
                    Err(Error::NotSupported("rolled back"))
                });
                outcome
            }
        });
        assert_eq!(is_placed.await.unwrap(), 1);
        assert_eq!(after(&store, environment_id, None, 9).await, []);
        transaction!(store, |tx| append(tx, environment_id, second, &json!({})).await).unwrap();
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { place(&store).await }
        });
        go_on.send(()).unwrap();
        assert!(slow.await.unwrap().is_err());
        assert_eq!(waiting.await.unwrap(), 2);
        assert_eq!(ids(&after(&store, environment_id, None, 9).await), [first, second]);
    });
}
