//! How a store handles unsuitable PostgreSQL servers.

use crate::harness::{Database, TIMEOUT, at, on_postgres};
use crate::sample::{an_organization, insert_organization, organization_ids, plant_environment};
use countersign_store::{Error, Location, Store, attempt, organization};
use std::collections::BTreeSet;
use std::time::Duration;

impl Database {
    /// Returns the same database with a different number of connections and more URL options.
    fn reached_otherwise(&self, connections: usize, more: &str) -> Location {
        let Self::Postgres { url } = self else { panic!("a SQLite database has no server") };
        Location::Postgres { url: format!("{url}{more}"), connections, authorities: None }
    }
}

/// Returns the server's backend processes for clients with this application name.
async fn processes(database: &Database, name: &str) -> BTreeSet<String> {
    let query = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'");
    database.rows(&query).await.into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn a_server_that_takes_no_writes_is_none() {
    on_postgres(|database: Database| async move {
        drop(database.migrated().await);
        // As reported by a standby, or by a server that an operator made read-only.
        let standby = database.reached_otherwise(2, "%20-cdefault_transaction_read_only%3Don");
        let refused = Store::open(&standby).await.err();
        assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
    });
}

#[test]
fn a_connection_to_a_server_that_takes_no_writes_any_more_is_not_used_again() {
    on_postgres(|database: Database| async move {
        drop(database.migrated().await);
        let name = format!("demoted_{}", std::process::id());
        let store = Store::open(&database.reached_otherwise(2, &format!("&application_name={name}"))).await.unwrap();
        let environment_id = plant_environment(&store).await;
        let demote = "CREATE FUNCTION demoted() RETURNS trigger LANGUAGE plpgsql AS \
                      $$ BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END $$; \
                      CREATE TRIGGER demoted BEFORE INSERT ON organization EXECUTE FUNCTION demoted()";
        database.execute(demote).await;
        let before = processes(&database, &name).await;
        assert!(!before.is_empty());
        for _ in &before {
            let refused = insert_organization(&store, environment_id, &an_organization()).await;
            assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        }
        database.execute("DROP TRIGGER demoted ON organization").await;
        let organization = an_organization();
        insert_organization(&store, environment_id, &organization).await.unwrap();
        assert_eq!(organization_ids(&store, environment_id).await, [organization.id]);
        let after = processes(&database, &name).await;
        assert!(after.difference(&before).next().is_some(), "all that was asked again: {before:?}, {after:?}");
    });
}

#[test]
fn whoever_asks_next_does_not_wait_for_what_nobody_wants_any_more() {
    on_postgres(|database: Database| async move {
        drop(database.migrated().await);
        let name = format!("abandoned_{}", std::process::id());
        let store = Store::open(&database.reached_otherwise(2, &format!("&application_name={name}"))).await.unwrap();
        let environment_id = plant_environment(&store).await;
        let mut other = database.connection().await;
        let held = other.transaction().await.unwrap();
        held.batch_execute("LOCK TABLE organization IN ACCESS EXCLUSIVE MODE").await.unwrap();
        // All connections of the store wait for the lock, and the requests are abandoned.
        for _ in 0..2 {
            let asked = organization_ids(&store, environment_id);
            assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err(), "the table is locked");
        }
        let before = processes(&database, &name).await;
        let counted = transaction!(store, |tx| {
            attempt::count(tx, environment_id, &crate::sample::fresh_digest(), (at(0), at(1000))).await
        });
        assert_eq!(counted.unwrap().0, 1);
        let after = processes(&database, &name).await;
        assert!(after.difference(&before).next().is_some(), "asked on a connection that waits: {before:?}, {after:?}");
        held.rollback().await.unwrap();
        tokio::time::timeout(TIMEOUT, organization_ids(&store, environment_id)).await.unwrap();
    });
}

#[test]
fn an_organization_with_much_to_delete_has_the_time_for_it_and_nothing_else_has() {
    on_postgres(|database: Database| async move {
        let store = database.migrated().await;
        let environment_id = plant_environment(&store).await;
        let (one, other) = (an_organization(), an_organization());
        for organization in [&one, &other] {
            insert_organization(&store, environment_id, organization).await.unwrap();
        }
        let watch = "CREATE TABLE patience (seconds TEXT); \
                     CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN INSERT INTO patience VALUES (current_setting('statement_timeout')); RETURN NULL; END $$; \
                     CREATE TRIGGER noted AFTER INSERT OR DELETE ON organization EXECUTE FUNCTION noted()";
        database.execute(watch).await;
        let (id, another) = (one.id, an_organization());
        let deleted = transaction!(store, |tx| organization::delete(tx, environment_id, id).await);
        assert!(deleted.unwrap());
        insert_organization(&store, environment_id, &another).await.unwrap();
        let noted: Vec<String> = database.rows("SELECT seconds FROM patience").await.into_iter().flatten().collect();
        assert_eq!(noted, ["27s", "15s"]);
    });
}

#[test]
fn the_servers_clock_is_told_and_sqlite_has_none() {
    crate::harness::on_sqlite(|store: Store| async move { assert_eq!(store.clock().await.unwrap(), None) });
    on_postgres(|database: Database| async move {
        let store = database.open().await;
        let theirs = async || {
            let rows = database.rows("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)").await;
            rows[0][0].parse::<i64>().unwrap()
        };
        let before = theirs().await;
        let told = store.clock().await.unwrap().unwrap().as_millis();
        let after = theirs().await;
        assert!((before..=after).contains(&told), "{before} {told} {after}");
    });
}
