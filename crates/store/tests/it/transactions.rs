//! Transactions: a failing one rolls back alone, an acknowledged one is stored and visible, an abandoned one leaves no
//! partial state.

use crate::harness::{Database, TIMEOUT, at};
use crate::sample::{an_organization, fresh_digest, insert_organization, organization_ids, plant_environment};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::Organization;
use countersign_protocol::secret::Digest;
use countersign_store::{Error, Result, Store, Tx, attempt, organization};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How a transaction may fail after it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    None,
    Refused,
    Duplicate,
    Panics,
    /// SQLite only: on PostgreSQL it is unwise but possible.
    AwaitsSomethingElse,
}

async fn write(
    store: Store,
    environment_id: EnvironmentId,
    organization: Organization,
    failure: Failure,
) -> Result<()> {
    transaction!(store, |tx| {
        organization::insert(tx, environment_id, &organization).await?;
        match failure {
            Failure::None => {}
            Failure::Refused => return Err(Error::NotSupported("refused")),
            Failure::Duplicate => organization::insert(tx, environment_id, &organization).await?,
            Failure::Panics => panic!("on purpose"),
            Failure::AwaitsSomethingElse => tokio::task::yield_now().await,
        }
        Ok(())
    })
}

/// Counts an attempt in a transaction that waits for the disk or does not, and that commits or does not.
async fn count(
    store: Store,
    environment_id: EnvironmentId,
    digest: Digest,
    (durable, keeps): (bool, bool),
) -> Result<i64> {
    async fn counted(tx: &mut Tx, environment_id: EnvironmentId, digest: Digest, keeps: bool) -> Result<i64> {
        let (count, _) = attempt::count(tx, environment_id, &digest, (at(0), at(1000))).await?;
        if keeps { Ok(count) } else { Err(Error::NotSupported("refused")) }
    }
    if durable {
        store.write(move |tx| Box::pin(counted(tx, environment_id, digest, keeps))).await
    } else {
        store.note(move |tx| Box::pin(counted(tx, environment_id, digest, keeps))).await
    }
}

on_both_databases! {
    async fn what_is_noted_is_seen_in_its_order_and_rolls_back_alone(store: Store) {
        let environment_id = plant_environment(&store).await;
        let digest = fresh_digest();
        let mut expected = 0;
        for (durable, keeps) in
            [(false, true), (true, true), (false, false), (false, true), (true, false), (true, true)]
        {
            let counted = count(store.clone(), environment_id, digest, (durable, keeps)).await;
            expected += i64::from(keeps);
            assert_eq!(counted.ok(), keeps.then_some(expected), "{durable} {keeps}");
        }
        // Many of both kinds concurrently: none is lost, and none is counted twice.
        let mut tasks = JoinSet::new();
        for number in 0..60 {
            tasks.spawn(count(store.clone(), environment_id, digest, (number % 3 == 0, true)));
        }
        let mut counts: Vec<i64> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, (expected + 1..=expected + 60).collect::<Vec<_>>());
    }

    async fn an_attempt_taken_back_was_never_made(store: Store) {
        let environment_id = plant_environment(&store).await;
        let (digest, other) = (fresh_digest(), fresh_digest());
        let counted = transaction!(store, |tx| {
            let mut counted = Vec::new();
            for subject in [&digest, &digest, &digest, &other] {
                counted.push(attempt::count(tx, environment_id, subject, (at(0), at(1000))).await?);
            }
            attempt::take_back(tx, environment_id, &digest).await?;
            // Of three, two are left, and their window ends when it did.
            counted.push(attempt::count(tx, environment_id, &digest, (at(500), at(1500))).await?);
            attempt::take_back(tx, environment_id, &other).await?;
            // Of one, none is left: the next starts a new window. There is nothing to take back twice.
            attempt::take_back(tx, environment_id, &other).await?;
            counted.push(attempt::count(tx, environment_id, &other, (at(500), at(1500))).await?);
            Ok::<_, Error>(counted)
        });
        let (early, late) = (at(1000), at(1500));
        assert_eq!(counted.unwrap(), [(1, early), (2, early), (3, early), (1, early), (3, early), (1, late)]);
    }

    async fn a_failing_transaction_rolls_back_alone(store: Store) {
        let environment_id = plant_environment(&store).await;
        let mut failures = vec![Failure::Refused, Failure::Duplicate, Failure::Panics];
        if store.engine_name() == "SQLite" {
            failures.push(Failure::AwaitsSomethingElse);
        }
        let mut tasks = JoinSet::new();
        let mut expected = Vec::new();
        for round in 0..10 {
            for failure in failures.iter().copied().chain([Failure::None]) {
                let organization = an_organization();
                let id = organization.id;
                if failure == Failure::None {
                    expected.push(id);
                }
                let store = store.clone();
                tasks.spawn(async move {
                    // A panic may reach the caller (PostgreSQL) or become an error (SQLite).
                    let task = tokio::spawn(write(store, environment_id, organization, failure));
                    let kept = task.await.is_ok_and(|outcome| outcome.is_ok());
                    assert_eq!(kept, failure == Failure::None, "{failure:?} in round {round}");
                });
            }
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap();
        }
        assert_eq!(organization_ids(&store, environment_id).await, expected);
    }

    async fn errors_reach_the_caller_as_they_are(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organization = an_organization();
        let outcome = write(store.clone(), environment_id, organization.clone(), Failure::Refused).await;
        assert!(matches!(outcome, Err(Error::NotSupported("refused"))), "{outcome:?}");
        let outcome = write(store.clone(), environment_id, organization, Failure::Duplicate).await;
        assert!(matches!(outcome, Err(Error::Unique { .. })), "{outcome:?}");
        let nowhere = crate::sample::fresh();
        let outcome = write(store.clone(), nowhere, an_organization(), Failure::None).await;
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
    }

    async fn two_hundred_concurrent_writes_all_land(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organizations: Vec<_> = std::iter::repeat_with(an_organization).take(200).collect();
        let expected: Vec<_> = organizations.iter().map(|organization| organization.id).collect();
        let mut tasks = JoinSet::new();
        for organization in organizations {
            let store = store.clone();
            tasks.spawn(async move { insert_organization(&store, environment_id, &organization).await });
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap().unwrap();
        }
        assert_eq!(organization_ids(&store, environment_id).await, expected);
    }

    async fn what_was_answered_is_seen_by_every_later_read(store: Store) {
        let environment_id = plant_environment(&store).await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..10 {
                    let organization = an_organization();
                    insert_organization(&store, environment_id, &organization).await.unwrap();
                    // On another thread, whose connection may have read an older state before.
                    let (store, expected) = (store.clone(), organization.clone());
                    let read = tokio::spawn(async move {
                        organization::find(&mut store.reader().await.unwrap(), environment_id, expected.id).await
                    });
                    assert_eq!(read.await.unwrap().unwrap(), Some(organization));
                }
            });
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap();
        }
    }

    async fn a_transaction_reads_what_it_wrote_and_nobody_else_does(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organization = an_organization();
        let (id, expected) = (organization.id, organization.clone());
        let seen_inside = transaction!(store, |tx| {
            organization::insert(tx, environment_id, &organization).await?;
            organization::find(tx, environment_id, id).await
        });
        assert_eq!(seen_inside.unwrap(), Some(expected));

        let refused = an_organization();
        let id = refused.id;
        let outcome: Result<()> = transaction!(store, |tx| {
            organization::insert(tx, environment_id, &refused).await?;
            Err(Error::NotSupported("refused"))
        });
        assert!(outcome.is_err());
        let seen_outside = organization::find(&mut store.reader().await.unwrap(), environment_id, id).await.unwrap();
        assert_eq!(seen_outside, None);
    }

    async fn an_abandoned_write_is_done_whole_or_not_at_all(store: Store) {
        let environment_id = plant_environment(&store).await;
        let mut pairs = Vec::new();
        for polls in 0..40 {
            let (one, other) = (an_organization(), an_organization());
            pairs.push((one.id, other.id));
            let write = store.write(move |tx| {
                Box::pin(async move {
                    organization::insert(tx, environment_id, &one).await?;
                    organization::insert(tx, environment_id, &other).await?;
                    Ok::<_, Error>(())
                })
            });
            // Polled this many times, then dropped wherever it is.
            let mut write = Box::pin(write);
            let mut left = polls % 10;
            std::future::poll_fn(|context| {
                if left == 0 || write.as_mut().poll(context).is_ready() {
                    return std::task::Poll::Ready(());
                }
                left -= 1;
                std::task::Poll::Pending
            })
            .await;
            drop(write);
        }
        // Nothing is left that would block or swallow later writes.
        let after: Vec<_> = std::iter::repeat_with(an_organization).take(20).collect();
        for organization in &after {
            insert_organization(&store, environment_id, organization).await.unwrap();
        }
        let found = organization_ids(&store, environment_id).await;
        for (one, other) in pairs {
            assert_eq!(found.contains(&one), found.contains(&other), "half a transaction was kept");
        }
        for organization in after {
            assert!(found.contains(&organization.id));
        }
    }
}

/// On PostgreSQL a transaction can be abandoned between two statements. Its connection must not be reused.
#[test]
fn an_abandoned_postgres_transaction_closes_its_connection() {
    crate::harness::on_postgres(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let abandoned: Vec<_> = std::iter::repeat_with(an_organization).take(20).collect();
        for organization in &abandoned {
            let (reached, in_the_middle) = oneshot::channel();
            let (store, organization) = (store.clone(), organization.clone());
            let task = tokio::spawn(async move {
                transaction!(store, |tx| {
                    organization::insert(tx, environment_id, &organization).await?;
                    reached.send(()).unwrap();
                    std::future::pending().await
                })
            });
            let task: tokio::task::JoinHandle<Result<()>> = task;
            in_the_middle.await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        // All connections of the pool are now used concurrently. One that is still in a transaction would commit it.
        let barrier = Arc::new(tokio::sync::Barrier::new(8));
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                let organization = an_organization();
                let id = organization.id;
                let outcome = transaction!(store, |tx| {
                    barrier.wait().await;
                    organization::insert(tx, environment_id, &organization).await
                });
                outcome.map(|()| id)
            });
        }
        let mut expected = Vec::new();
        while let Some(outcome) = tokio::time::timeout(TIMEOUT, tasks.join_next()).await.unwrap() {
            expected.push(outcome.unwrap().unwrap());
        }
        expected.sort_unstable();
        assert_eq!(organization_ids(&store, environment_id).await, expected);
        // The abandoned rows are not locked either, so they can be created now.
        for organization in &abandoned {
            insert_organization(&store, environment_id, organization).await.unwrap();
        }
    });
}

/// A node that loses power in the middle of a transaction leaves an idle connection behind.
#[test]
fn a_transaction_that_stands_still_holds_its_locks_for_seconds_only() {
    crate::harness::on_postgres(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let organization = an_organization();
        let stuck = tokio::spawn(async move {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        organization::insert(tx, environment_id, &organization).await?;
                        std::future::pending::<countersign_store::Result<()>>().await
                    })
                })
                .await
        });
        let locked = "SELECT 1 FROM pg_locks WHERE relation = 'organization'::regclass AND mode = 'RowExclusiveLock'";
        while database.rows(locked).await.is_empty() {}
        let began = std::time::Instant::now();
        while !database.rows(locked).await.is_empty() {
            assert!(began.elapsed() < crate::harness::TIMEOUT, "the locks are still held");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        stuck.abort();
    });
}
