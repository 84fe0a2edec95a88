//! The change feed: versions become visible in order and without gaps, and pruning is reported.

use crate::harness::{Database, TIMEOUT, at};
use crate::sample::{an_organization, fresh, fresh_token, plant_environment};
use countersign_store::change::{self, BATCH, Change, Head, Topic};
use countersign_store::{Error, Result, Store, organization};
use tokio::task::JoinSet;

async fn record(store: &Store, environment_id: countersign_protocol::id::EnvironmentId, topic: Topic, made_at: i64) {
    let outcome: Result<()> = transaction!(store, |tx| {
        change::record(tx, environment_id, &topic, at(made_at));
        Ok(())
    });
    outcome.unwrap();
}

async fn since(store: &Store, version: i64) -> Vec<Change> {
    change::from(&mut store.reader().await.unwrap(), version + 1).await.unwrap()
}

/// Returns the newest version, and the version up to which changes are pruned.
async fn bounds(store: &Store) -> (i64, i64) {
    let head = head(store).await;
    (head.version, head.pruned_through)
}

async fn head(store: &Store) -> Head {
    change::head(&mut store.reader().await.unwrap()).await.unwrap()
}

on_both_databases! {
    async fn a_poller_sees_every_version_once_and_in_order(store: Store) {
        const WRITERS: i64 = 10;
        const EACH: i64 = 30;
        let environment_id = plant_environment(&store).await;
        let postgres = store.engine_name() == "PostgreSQL";
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                for number in 0..EACH {
                    let organization = an_organization();
                    let rolled_back = number % 5 == 4;
                    let outcome: Result<()> = transaction!(store, |tx| {
                        organization::insert(tx, environment_id, &organization).await?;
                        change::record(tx, environment_id, &Topic::Clients, at(writer));
                        if postgres {
                            // Give other tasks a chance between the version and the commit.
                            for _ in 0..number % 4 {
                                tokio::task::yield_now().await;
                            }
                        }
                        if rolled_back { Err(Error::NotSupported("rolled back")) } else { Ok(()) }
                    });
                    assert_eq!(outcome.is_err(), rolled_back, "{outcome:?}");
                }
            });
        }
        let total = WRITERS * EACH * 4 / 5;
        let poll = async {
            let mut passed = 0;
            while passed < total {
                for change in since(&store, passed).await {
                    assert_eq!(change.version, passed + 1, "a version was missed, or seen twice");
                    passed = change.version;
                }
                // The head never reports a version that is not yet visible.
                let head = head(&store).await.version;
                let seen = since(&store, passed).await;
                assert!(seen.last().map_or(passed, |change| change.version) >= head.min(passed + BATCH as i64));
                tokio::task::yield_now().await;
            }
            passed
        };
        let passed = tokio::time::timeout(TIMEOUT, poll).await.unwrap();
        while let Some(outcome) = writers.join_next().await {
            outcome.unwrap();
        }
        assert_eq!(passed, total);
        assert_eq!(since(&store, passed).await, []);
        assert_eq!(bounds(&store).await, (total, 0));
        assert_eq!(crate::sample::organization_ids(&store, environment_id).await.len(), usize::try_from(total).unwrap());
    }

    async fn topics_come_back_as_they_were(store: Store) {
        let environment_id = plant_environment(&store).await;
        let topics = [
            Topic::Environment,
            Topic::EnvironmentApiKeys,
            Topic::Client(fresh()),
            Topic::Clients,
            Topic::RevokedToken(fresh_token(), at(77)),
        ];
        for topic in topics.clone() {
            record(&store, environment_id, topic, 0).await;
        }
        let seen = since(&store, 0).await;
        let expected: Vec<_> = (1..)
            .zip(topics)
            .zip(&seen)
            .map(|((version, topic), seen)| Change { version, environment_id, mark: seen.mark.clone(), topic: Some(topic) })
            .collect();
        assert_eq!(seen, expected);
        assert_eq!(since(&store, 3).await, expected[3..]);
        assert_eq!(head(&store).await.mark, seen[4].mark, "the head names the newest change");
        assert_eq!(seen.iter().map(|change| &change.mark).collect::<std::collections::HashSet<_>>().len(), 5);
    }

    async fn one_transaction_records_a_topic_once(store: Store) {
        let environment_id = plant_environment(&store).await;
        transaction!(store, |tx| {
            for _ in 0..3 {
                change::record(tx, environment_id, &Topic::Clients, at(0));
            }
            Result::Ok(())
        })
        .unwrap();
        assert_eq!(since(&store, 0).await.len(), 1);
    }

    async fn a_topic_of_a_newer_program_is_told_apart(database: Database) {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        for (version, topic, subject) in [(1, "weather", "rain"), (2, "client", "nonsense"), (3, "revoked_token", "x")] {
            let row = format!("INSERT INTO change VALUES ({version}, '{environment_id}', '{topic}', '{subject}', 0)");
            database.execute(&row).await;
        }
        let seen = since(&store, 0).await;
        assert_eq!(seen.iter().map(|change| change.version).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(seen.iter().all(|change| change.topic.is_none()), "{seen:?}");
    }

    async fn a_long_feed_is_read_in_steps(store: Store) {
        let environment_id = plant_environment(&store).await;
        let total = BATCH as i64 + 5;
        transaction!(store, |tx| {
            for _ in 0..total {
                change::record(tx, environment_id, &Topic::RevokedToken(fresh_token(), at(0)), at(0));
            }
            Result::Ok(())
        })
        .unwrap();
        let first = since(&store, 0).await;
        assert_eq!(first.len(), BATCH);
        let second = since(&store, first[BATCH - 1].version).await;
        assert_eq!(second.iter().map(|change| change.version).collect::<Vec<_>>(), (BATCH as i64 + 1..=total).collect::<Vec<_>>());
    }

    async fn what_is_forgotten_is_told(store: Store) {
        let environment_id = plant_environment(&store).await;
        let prune = async |before: i64| transaction!(store, |tx| change::prune(tx, at(before)).await).unwrap();
        assert_eq!(prune(1000).await, 0);
        assert_eq!(bounds(&store).await, (0, 0));
        // The third was recorded by a node whose clock is ahead.
        for made_at in [10, 20, 90, 30, 40] {
            record(&store, environment_id, Topic::Clients, made_at).await;
        }
        assert_eq!(prune(10).await, 0);
        assert_eq!(prune(25).await, 2);
        assert_eq!(bounds(&store).await, (5, 2));
        assert_eq!(since(&store, 0).await.first().map(|change| change.version), Some(3));
        assert_eq!(prune(35).await, 2);
        assert_eq!(bounds(&store).await, (5, 4));
        assert_eq!(prune(35).await, 0);
        assert_eq!(prune(1000).await, 1);
        assert_eq!(bounds(&store).await, (5, 5));
        // Pruning everything does not restart the version numbers.
        record(&store, environment_id, Topic::Clients, 2000).await;
        assert_eq!(since(&store, 5).await.first().map(|change| change.version), Some(6));
        assert_eq!(bounds(&store).await, (6, 5));
    }
}
