//! Migrations: applied once, by one of many nodes, and refused if the database is not one this program knows.

use crate::harness::{Database, at, on_postgres, on_sqlite};
use aws_lc_rs::digest;
use countersign_protocol::id::{EnvironmentId, Id, UserId};
use countersign_store::{Error, Location, MigrationState, Store, newest_version, user};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Barrier;

const APPLIED: &str = "SELECT version, name, applied_at FROM schema_migration ORDER BY version";

on_both_databases! {
    async fn an_empty_database_is_brought_up_to_date_once(database: Database) {
        let store = database.open().await;
        let before = store.migration_state().await.unwrap();
        assert_eq!(before.version, 0);
        assert_eq!(before.pending.len(), usize::try_from(newest_version()).unwrap());
        // Asking changes nothing.
        assert_eq!(store.migration_state().await.unwrap(), before);

        let first = store.migrate(at(1)).await.unwrap();
        assert_eq!(first, MigrationState { version: newest_version(), pending: before.pending });
        let applied = database.rows(APPLIED).await;
        assert_eq!(applied.len(), first.pending.len());

        let nothing_to_do = MigrationState { version: newest_version(), pending: Vec::new() };
        assert_eq!(store.migrate(at(2)).await.unwrap(), nothing_to_do);
        assert_eq!(store.migration_state().await.unwrap(), nothing_to_do);
        assert_eq!(database.open().await.migrate(at(3)).await.unwrap(), nothing_to_do);
        assert_eq!(database.rows(APPLIED).await, applied);
    }

    async fn many_may_start_on_one_empty_database(database: Database) {
        let applied = start_together(&database.location()).await;
        assert_eq!(applied, usize::try_from(newest_version()).unwrap(), "each migration is applied by one of them");
        assert_eq!(database.rows(APPLIED).await.len(), applied);
    }

    async fn a_database_of_a_newer_program_is_refused(database: Database) {
        let store = database.migrated().await;
        let newer = newest_version() + 1;
        database.execute(&format!("INSERT INTO schema_migration VALUES ({newer}, 'from the future', 'x', 0)")).await;
        let before = database.rows(APPLIED).await;
        for outcome in [store.migrate(at(9)).await, store.migration_state().await] {
            let expected = (newer, newest_version());
            assert!(
                matches!(&outcome, Err(Error::SchemaTooNew { found, known }) if (*found, *known) == expected),
                "{outcome:?}"
            );
        }
        assert_eq!(database.rows(APPLIED).await, before);
    }

    async fn an_altered_migration_is_refused(database: Database) {
        let store = database.migrated().await;
        database.execute("UPDATE schema_migration SET checksum = 'another' WHERE version = 1").await;
        for outcome in [store.migrate(at(9)).await, store.migration_state().await] {
            assert!(matches!(outcome, Err(Error::MigrationAltered { version: 1 })), "{outcome:?}");
        }
    }

    async fn copies_and_streams_of_audit_logs_are_whole_when_their_tables_are_made_anew(database: Database) {
        migrated_through(&database, "0017_past_signing_key").await;
        let bytes = if matches!(database, Database::Sqlite { .. }) { "x'2a'" } else { "'\\x2a'" };
        database.execute(&format!(
            "INSERT INTO environment VALUES ('e', 'default', 'production', 'c', 'https://id.example.com', 'RS256', NULL, 300, 300, 300, 1, 1, 1, \
             'off', '', 0, 'see', '', 0, 0); \
             INSERT INTO organization (environment_id, id, name, metadata, allow_profiles_outside_organization, created_at, updated_at, search_name) \
             VALUES ('e', 'o', 'Acme', '{{}}', 0, 0, 0, 'acme'); \
             INSERT INTO audit_log_export VALUES ('e', 'x', 'o', '{{}}', 'ready', 1, 2, '3', 2, 5, 6, NULL, 8, 9); \
             INSERT INTO audit_log_export_part VALUES ('e', 'x', 0, 'first'), ('e', 'x', 1, 'second'); \
             INSERT INTO audit_log_stream VALUES ('e', 's', 'o', 'https://logs.example.com/', 'json', {bytes}, 'error', 1, 2, 3, NULL, 5, 6)"
        )).await;
        let queries = [
            "SELECT environment_id, id, organization_id, wanted, state, through, after_occurred_at, after_id, parts, lines, attempts, next_at, \
             created_at, updated_at FROM audit_log_export",
            "SELECT environment_id, export_id, part, body FROM audit_log_export_part ORDER BY part",
            "SELECT environment_id, id, organization_id, url, format, length(sealed_headers), state, sequence, attempts, next_at, \
             last_synced_at, created_at, updated_at FROM audit_log_stream",
        ];
        let mut before = Vec::new();
        for query in queries {
            before.push(database.rows(query).await);
        }
        assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
        let store = database.open().await;
        assert!(store.migrate(at(1)).await.unwrap().pending.contains(&"0018_audit_logs_outlive"));
        for (query, before) in queries.iter().zip(before) {
            assert_eq!(database.rows(query).await, before);
        }
        // They outlive the organization. Parts are deleted with their export, and everything with the environment.
        let keys = if matches!(database, Database::Sqlite { .. }) { "PRAGMA foreign_keys = ON;" } else { "" };
        database.execute(&format!("{keys} DELETE FROM organization")).await;
        assert_eq!((database.rows(queries[1]).await.len(), database.rows(queries[2]).await.len()), (2, 1));
        database.execute(&format!("{keys} DELETE FROM audit_log_export")).await;
        assert_eq!(database.rows(queries[1]).await.len(), 0);
        database.execute(&format!("{keys} DELETE FROM environment")).await;
        assert_eq!(database.rows(queries[2]).await.len(), 0);
    }

    async fn addresses_are_found_in_either_spelling_of_their_domain(database: Database) {
        migrated_through(&database, "0018_audit_logs_outlive").await;
        let bytes = |digit: u8| match database {
            Database::Sqlite { .. } => format!("x'0{digit}'"),
            Database::Postgres { .. } => format!("'\\x0{digit}'"),
        };
        let environment_id: EnvironmentId = Id::from_ulid(1);
        database.execute(&format!(
            "INSERT INTO environment VALUES ('{environment_id}', 'default', 'production', 'c', 'https://id.example.com', 'RS256', NULL, 300, 300, 300, 1, 1, 1, \
             'off', '', 0, 'see', '', 0, 0)",
        )).await;
        // As the previous program stored them: in lower case, otherwise as given.
        let people = [
            ("1", "Ada@Bücher.example", "ada@bücher.example", "ada@bücher.example"),
            ("2", "bob@XN--BCHER-KVA.example", "bob@xn--bcher-kva.example", "bob@bücher.example"),
            ("3", "cy@xn--bcher-kva.example", "cy@xn--bcher-kva.example", "cy@xn--bcher-kva.example"),
            ("4", "cy@bücher.example", "cy@bücher.example", "cy@bücher.example"),
            ("5", "xn--dan@example.com", "xn--dan@example.com", "xn--dan@example.com"),
        ];
        for (number, (id, email, key, _)) in (1..).zip(people) {
            database.execute(&format!(
                "INSERT INTO user_account (environment_id, id, email, email_key, email_verified, metadata, created_at, updated_at) \
                 VALUES ('{environment_id}', 'user_{id:0>26}', '{email}', '{key}', 1, '{{}}', 0, 0)"
            )).await;
            let digest = bytes(number);
            database.execute(&format!(
                "INSERT INTO invitation (environment_id, id, email, email_key, state, token_digest, sealed_token, expires_at, created_at, updated_at) \
                 VALUES ('{environment_id}', 'invitation_{id:0>26}', '{email}', '{key}', 'pending', {digest}, {digest}, 1, 0, 0)"
            )).await;
        }
        let store = database.open().await;
        store.migrate(at(1)).await.unwrap();
        // Whoever already has the address in the other spelling keeps it.
        let mut keys: Vec<_> = people.iter().map(|(_, _, _, key)| vec![(*key).to_owned()]).collect();
        let of_accounts = "SELECT email_key FROM user_account ORDER BY id";
        assert_eq!(database.rows(of_accounts).await, keys);
        let kept = keys.clone();
        keys[2] = vec!["cy@bücher.example".to_owned()];
        assert_eq!(database.rows("SELECT email_key FROM invitation ORDER BY id").await, keys);
        // A user who is not found by address can still be updated, and is found once the other one is gone.
        let id: UserId = format!("user_{:0>26}", 3).parse().unwrap();
        let found = user::find(&mut store.reader().await.unwrap(), environment_id, id).await.unwrap().unwrap();
        let update = async || {
            let found = found.clone();
            let updated: Result<(), Error> =
                store.write(move |tx| Box::pin(async move { user::update(tx, environment_id, &found).await })).await;
            updated.unwrap();
        };
        update().await;
        assert_eq!(database.rows(of_accounts).await, kept);
        database.execute(&format!("DELETE FROM user_account WHERE id = 'user_{:0>26}'", 4)).await;
        update().await;
        assert_eq!(database.rows(of_accounts).await[2], ["cy@bücher.example"]);
    }

    async fn a_migration_that_fails_leaves_nothing(database: Database) {
        // An unrelated table conflicts with the last migration.
        database.execute("CREATE TABLE change (x INTEGER)").await;
        let store = database.open().await;
        assert!(store.migrate(at(1)).await.is_err());
        assert_eq!(store.migration_state().await.unwrap().version, 0);
        database.execute("DROP TABLE change").await;
        assert_eq!(store.migrate(at(2)).await.unwrap().version, newest_version());
    }
}

/// Brings an empty database to the state that an older version of the program left it in.
async fn migrated_through(database: &Database, last: &str) {
    let engine = if matches!(database, Database::Sqlite { .. }) { "sqlite" } else { "postgres" };
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let suffix = format!(".{engine}.sql");
    let names = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(&suffix)?.to_owned())).collect();
    names.sort();
    database
        .execute(
            "CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, \
             checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        )
        .await;
    for (version, name) in (1..).zip(names.iter().take_while(|name| name.as_str() <= last)) {
        let text = std::fs::read_to_string(directory.join(format!("{name}{suffix}"))).unwrap();
        let sum = digest::digest(&digest::SHA256, text.as_bytes());
        let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        database.execute(&text).await;
        database.execute(&format!("INSERT INTO schema_migration VALUES ({version}, '{name}', '{sum}', 0)")).await;
    }
}

/// Opens and migrates one database from many tasks concurrently; returns how many migrations they applied in total.
async fn start_together(location: &Location) -> usize {
    const NODES: usize = 4;
    let barrier = Arc::new(Barrier::new(NODES));
    let tasks: Vec<_> = (0..NODES)
        .map(|_| {
            let (location, barrier) = (location.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let store = Store::open(&location).await?;
                store.migrate(at(1)).await
            })
        })
        .collect();
    let mut applied = 0;
    for task in tasks {
        let state = task.await.unwrap().unwrap();
        assert_eq!(state.version, newest_version());
        applied += state.pending.len();
    }
    applied
}

/// SQLite has no server to serialize them, not even while the file is being created.
#[test]
fn many_may_make_one_sqlite_file() {
    on_sqlite(|database: Database| async move {
        for round in 0..30 {
            let location = Location::Sqlite(database.path(&format!("round-{round}.db")));
            assert_eq!(start_together(&location).await, usize::try_from(newest_version()).unwrap(), "round {round}");
        }
    });
}

/// A dump reads every table for hours. A migration in the meantime must not block the table's users.
#[test]
fn a_migration_lets_the_others_go_on_while_it_waits_for_a_table() {
    on_postgres(|database: Database| async move {
        let store = database.migrated().await;
        // The migration that is applied again references environments.
        database.execute("DROP TABLE past_signing_key; DELETE FROM schema_migration WHERE version = 17").await;
        let dump = database.connection().await;
        dump.batch_execute("BEGIN; LOCK TABLE environment IN ROW EXCLUSIVE MODE").await.unwrap();
        let migrating = tokio::spawn(async move { store.migrate(at(1)).await });
        let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'environment'::regclass";
        while database.rows(waits).await.is_empty() {
            assert!(!migrating.is_finished());
        }
        // For as long as requests wait for a lock.
        database.execute("SET lock_timeout = '5s'; BEGIN; LOCK TABLE environment IN ROW EXCLUSIVE MODE; COMMIT").await;
        assert!(!migrating.is_finished());
        dump.batch_execute("COMMIT").await.unwrap();
        assert_eq!(migrating.await.unwrap().unwrap().pending, ["0017_past_signing_key"]);
    });
}

/// If the database cannot store every name, that is reported at once rather than by the first user with such a name.
#[test]
fn a_database_that_cannot_hold_every_name_is_refused() {
    on_postgres(|database: Database| async move {
        let Location::Postgres { url, .. } = database.location() else { panic!("PostgreSQL") };
        let name = format!("latin_{}", std::process::id());
        let administer = database.connection().await;
        administer
            .batch_execute(&format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"))
            .await
            .unwrap();
        let server = url.split('?').next().unwrap().rsplit_once('/').unwrap().0;
        let location = Location::Postgres { url: format!("{server}/{name}"), connections: 2, authorities: None };
        let refused = Store::open(&location).await.map(drop);
        administer.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        assert!(refused.unwrap_err().to_string().contains("UTF8"));
    });
}
