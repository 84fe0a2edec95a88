//! SQLite's single writer: what shares a commit, what a lost transaction takes with it, and a lock held by another
//! process.

use crate::harness::{Database, on_sqlite};
use crate::sample::{an_organization, insert_organization, organization_ids, plant_environment};
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_store::{Error, Result, Store, organization};
use std::pin::Pin;
use std::task::{Context, Waker};

/// Runs writes that are certain to share one commit: the writer is held up until all of them are queued.
async fn in_one_group<T>(store: &Store, mut writes: Vec<Pin<Box<dyn Future<Output = T> + Send>>>) -> Vec<T> {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let mut gate = Box::pin(store.write(move |_| {
        Box::pin(async move {
            released.recv().unwrap();
            Ok::<_, Error>(())
        })
    }));
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(gate.as_mut().poll(&mut nobody).is_pending());
    for write in &mut writes {
        assert!(write.as_mut().poll(&mut nobody).is_pending());
    }
    release.send(()).unwrap();
    let _ = gate.await;
    let mut outcomes = Vec::new();
    for write in writes {
        outcomes.push(write.await);
    }
    outcomes
}

type Outcome = (OrganizationId, Result<()>);

/// Returns a write of an organization with this name.
fn named(store: &Store, environment_id: EnvironmentId, name: &str) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    let (store, mut organization) = (store.clone(), an_organization());
    organization.name = name.to_owned();
    Box::pin(async move { (organization.id, insert_organization(&store, environment_id, &organization).await) })
}

#[test]
fn of_a_group_only_the_failing_one_is_rolled_back() {
    on_sqlite(|store: Store| async move {
        let environment_id = plant_environment(&store).await;
        let nowhere = crate::sample::fresh();
        let writes =
            (0..50).map(|at| named(&store, if at % 7 == 3 { nowhere } else { environment_id }, "Acme")).collect();
        let outcomes = in_one_group(&store, writes).await;
        let kept: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(id, _)| *id).collect();
        assert_eq!(kept.len(), 43);
        assert_eq!(organization_ids(&store, environment_id).await, kept);
    });
}

/// A full disk makes SQLite roll back the whole transaction, not just the statement. A trigger does the same here.
#[test]
fn a_lost_transaction_is_not_answered_as_kept_nor_a_kept_one_as_lost() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        database
            .execute(
                "CREATE TRIGGER full BEFORE INSERT ON organization WHEN NEW.name = 'the disk is full'
                 BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
            )
            .await;
        let writes = (0..30)
            .map(|at| named(&store, environment_id, if at == 10 { "the disk is full" } else { "Acme" }))
            .collect();
        let outcomes = in_one_group(&store, writes).await;
        let kept: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(id, _)| *id).collect();
        assert_eq!(organization_ids(&store, environment_id).await, kept);
        assert!(outcomes[10].1.is_err(), "{:?}", outcomes[10]);
        assert!(outcomes[0].1.is_err(), "what was rolled back with it must be told so");
        assert!(outcomes[29].1.is_ok(), "what came after is none of its business: {:?}", outcomes[29]);
    });
}

#[test]
fn a_transaction_that_was_lost_keeps_nothing_that_follows() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        database
            .execute(
                "CREATE TRIGGER full BEFORE INSERT ON organization WHEN NEW.name = 'the disk is full'
                 BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
            )
            .await;
        let (mut first, second) = (an_organization(), an_organization());
        first.name = "the disk is full".to_owned();
        let outcome = transaction!(store, |tx| {
            assert!(organization::insert(tx, environment_id, &first).await.is_err());
            // The error is ignored, as no code should do.
            let _ = organization::insert(tx, environment_id, &second).await;
            Ok(())
        });
        assert!(outcome.is_err());
        assert_eq!(organization_ids(&store, environment_id).await, []);
    });
}

/// Waits as long as the store waits for a lock: five seconds.
#[test]
fn a_lock_of_another_process_is_an_error_that_keeps_nothing() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let other = rusqlite::Connection::open(database.path("countersign.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (first, second) = (an_organization(), an_organization());
        let (one, two) = tokio::join!(
            insert_organization(&store, environment_id, &first),
            insert_organization(&store, environment_id, &second)
        );
        for outcome in [one, two] {
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
        other.execute_batch("ROLLBACK").unwrap();
        insert_organization(&store, environment_id, &second).await.unwrap();
        assert_eq!(organization_ids(&store, environment_id).await, [second.id]);
    });
}

#[test]
fn a_bad_path_is_an_error_of_opening() {
    on_sqlite(|database: Database| async move {
        let location = countersign_store::Location::Sqlite(database.path("no such directory/countersign.db"));
        assert!(Store::open(&location).await.is_err());
    });
}

#[test]
fn a_database_behind_a_link_is_written_to() {
    on_sqlite(|database: Database| async move {
        let environment_id = plant_environment(&database.migrated().await).await;
        let link = database.path("link.db");
        std::os::unix::fs::symlink(database.path("countersign.db"), &link).unwrap();
        let store = Store::open(&countersign_store::Location::Sqlite(link)).await.unwrap();
        let organization = an_organization();
        insert_organization(&store, environment_id, &organization).await.unwrap();
        assert_eq!(organization_ids(&store, environment_id).await, [organization.id]);
    });
}

#[test]
fn a_long_read_does_not_stop_a_write() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let other = rusqlite::Connection::open(database.path("countersign.db")).unwrap();
        other.execute_batch("BEGIN; SELECT count(*) FROM organization").unwrap();
        let organization = an_organization();
        insert_organization(&store, environment_id, &organization).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        assert!(organization::find(&mut reader, environment_id, organization.id).await.unwrap().is_some());
    });
}
