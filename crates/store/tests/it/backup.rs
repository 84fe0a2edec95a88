//! Backups of a SQLite database in use: whole transactions, and never overwriting another file.

use crate::harness::{Database, at, on_sqlite};
use crate::sample::{an_organization, organization_ids, plant, plant_environment};
use countersign_protocol::id::EnvironmentId;
use countersign_store::change::{self, Topic};
use countersign_store::{Error, Location, MigrationState, Store, newest_version, organization};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes two organizations and one change in a transaction, so that a partial transaction is noticed.
async fn write_pair(store: &Store, environment_id: EnvironmentId) {
    let (one, other) = (an_organization(), an_organization());
    transaction!(store, |tx| {
        organization::insert(tx, environment_id, &one).await?;
        organization::insert(tx, environment_id, &other).await?;
        change::record(tx, environment_id, &Topic::Clients, at(1));
        countersign_store::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn a_backup_taken_while_writes_run_is_consistent() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let (store, stop) = (store.clone(), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut written = 0;
                    while !stop.load(Ordering::Relaxed) {
                        write_pair(&store, environment_id).await;
                        written += 1;
                    }
                    written
                })
            })
            .collect();
        let mut sizes = Vec::new();
        for number in 0..5 {
            // Every backup has at least one write more than the previous one.
            write_pair(&store, environment_id).await;
            let path = database.path(&format!("backup-{number}.db"));
            let (source, to) = (store.clone(), path.clone());
            tokio::task::spawn_blocking(move || source.backup(&to)).await.unwrap().unwrap();

            let copy = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
            let up_to_date = MigrationState { version: newest_version(), pending: Vec::new() };
            assert_eq!(copy.migration_state().await.unwrap(), up_to_date);
            let organizations = organization_ids(&copy, environment_id).await.len();
            let head = change::head(&mut copy.reader().await.unwrap()).await.unwrap();
            assert_eq!(organizations, usize::try_from(head.version * 2).unwrap(), "half a transaction");
            let changes = change::from(&mut copy.reader().await.unwrap(), head.version).await.unwrap();
            assert_eq!(changes.len(), 1);
            sizes.push(organizations);
            // The backup is an ordinary database.
            write_pair(&copy, environment_id).await;
            let connection = rusqlite::Connection::open(path).unwrap();
            let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(check, "ok");
        }
        stop.store(true, Ordering::Relaxed);
        let mut written = 5;
        for writer in writers {
            written += writer.await.unwrap();
        }
        assert!(sizes.is_sorted_by(|earlier, later| earlier < later), "{sizes:?}");
        assert_eq!(organization_ids(&store, environment_id).await.len(), written * 2);
    });
}

#[test]
fn a_backup_never_overwrites() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        plant(&store).await;
        for (name, content) in [("empty", ""), ("full", "something precious")] {
            let path = database.path(name);
            std::fs::write(&path, content).unwrap();
            let outcome = store.backup(&path);
            assert!(matches!(outcome, Err(Error::NotSupported(_))), "{outcome:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        let outcome = store.backup(&database.path("countersign.db"));
        assert!(matches!(outcome, Err(Error::NotSupported(_))), "{outcome:?}");
        assert!(store.backup(&database.path("no such directory/backup.db")).is_err());
    });
}

#[test]
fn a_backup_that_fails_leaves_no_file_and_the_name_is_free() {
    on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        plant(&store).await;
        // The first page of the environment table is unreadable, so the copy fails halfway.
        let damaged = database.path("damaged.db");
        store.backup(&damaged).unwrap();
        let found = "SELECT rootpage FROM sqlite_master WHERE name = 'environment'";
        let page: u32 = rusqlite::Connection::open(&damaged).unwrap().query_row(found, [], |row| row.get(0)).unwrap();
        let page = usize::try_from(page).unwrap();
        let mut torn = std::fs::read(&damaged).unwrap();
        torn[(page - 1) * 4096..page * 4096].fill(0xA5);
        std::fs::write(&damaged, torn).unwrap();
        let source = Store::open(&Location::Sqlite(damaged.clone())).await.unwrap();
        let folder = database.path("backups");
        std::fs::create_dir(&folder).unwrap();
        let to = folder.join("backup.db");
        assert!(source.backup(&to).is_err());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
        store.backup(&to).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "the copy and nothing else");
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&to.metadata().unwrap().permissions()) & 0o777, 0o600);
    });
}

#[test]
fn postgres_is_backed_up_by_its_own_tools() {
    crate::harness::on_postgres(|store: Store| async move {
        let path = tempfile::tempdir().unwrap().path().join("backup.db");
        let outcome = store.backup(&path);
        assert!(matches!(outcome, Err(Error::NotSupported(_))), "{outcome:?}");
        assert!(!path.exists());
    });
}
