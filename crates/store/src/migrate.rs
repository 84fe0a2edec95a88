//! Migrations: numbered pairs of files, each applied once, in a transaction, under a lock, and never altered
//! afterwards.

pub(crate) mod email_keys;

use crate::error::{Error, Result};
use crate::postgres::{Postgres, Transaction};
use crate::sql::{Sql, Value};
use aws_lc_rs::digest;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use std::time::{Duration, Instant};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal;)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!("../migrations/", $name, ".postgres.sql")),
        }),*]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_foundation";
    2 "0002_people";
    3 "0003_backchannel_logout";
    4 "0004_session_tokens";
    5 "0005_oauth_resource";
    6 "0006_mailed_proofs";
    7 "0007_branding";
    8 "0008_standalone";
    9 "0009_registration";
    10 "0010_staff";
    11 "0011_audit_logs";
    12 "0012_portal";
    13 "0013_webhooks";
    14 "0014_registered_grants";
    15 "0015_role_priority";
    16 "0016_queues";
    17 "0017_past_signing_key";
    18 "0018_audit_logs_outlive";
    19 "0019_email_keys";
    20 "0020_auth_time";
    21 "0021_second_factors";
    22 "0022_product";
};

/// The newest schema version this program knows.
pub fn newest_version() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// A database's migration state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its schema version; 0 for an empty database.
    pub version: i64,
    /// The missing migrations, or those just applied.
    pub pending: Vec<&'static str>,
}

const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";

fn checksum(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long a migration waits for a table lock: requests queue behind it, and they time out after five seconds.
const WAIT_FOR_TABLES: &str = "SET LOCAL lock_timeout = '2s'";
/// Pause before a retry, which lets other transactions proceed.
const PAUSE: Duration = Duration::from_secs(3);
/// Total time before giving up.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Compares the applied migrations with the ones this program knows; returns the pending ones.
fn compare(applied: &[(i64, String)], text: impl Fn(&Migration) -> &'static str) -> Result<Vec<&'static Migration>> {
    if let Some((found, _)) = applied.iter().find(|(version, _)| *version > newest_version()) {
        return Err(Error::SchemaTooNew { found: *found, known: newest_version() });
    }
    let mut pending = Vec::new();
    for migration in MIGRATIONS {
        match applied.iter().find(|(version, _)| *version == migration.version) {
            None => pending.push(migration),
            Some((_, sum)) if *sum == checksum(text(migration)) => {}
            Some((version, _)) => return Err(Error::MigrationAltered { version: *version }),
        }
    }
    Ok(pending)
}

fn state(applied: &[(i64, String)], pending: &[&'static Migration]) -> MigrationState {
    MigrationState {
        version: applied.iter().map(|(version, _)| *version).max().unwrap_or(0),
        pending: pending.iter().map(|migration| migration.name).collect(),
    }
}

fn sqlite_applied(connection: &Connection) -> Result<Vec<(i64, String)>> {
    let known: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'", [], |row| row.get(0))
        .optional()?;
    if known.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT version, checksum FROM schema_migration ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

pub(crate) fn sqlite_state(connection: &Connection) -> Result<MigrationState> {
    let applied = sqlite_applied(connection)?;
    let pending = compare(&applied, |migration| migration.sqlite)?;
    Ok(state(&applied, &pending))
}

pub(crate) fn sqlite(connection: &mut Connection, now: Timestamp) -> Result<MigrationState> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let applied = sqlite_applied(&transaction)?;
    let pending = compare(&applied, |migration| migration.sqlite)?;
    transaction.execute_batch(BOOKKEEPING)?;
    for migration in &pending {
        transaction.execute_batch(migration.sqlite)?;
        if migration.name == email_keys::NAME {
            email_keys::sqlite(&transaction)?;
        }
        transaction.execute(
            "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
            (migration.version, migration.name, checksum(migration.sqlite), now.as_millis()),
        )?;
    }
    transaction.commit()?;
    Ok(MigrationState { version: newest_version(), pending: state(&applied, &pending).pending })
}

const fn plain(text: &'static str) -> Sql {
    Sql { sqlite: "", postgres: text }
}
const APPLIED: Sql = plain("SELECT version, checksum FROM schema_migration ORDER BY version");
const EXISTS: Sql = plain("SELECT CASE WHEN to_regclass('schema_migration') IS NULL THEN 0::bigint ELSE 1::bigint END");
const APPLY: Sql = plain("INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)");

async fn postgres_applied(transaction: &mut Transaction) -> Result<Vec<(i64, String)>> {
    let exists = transaction.query(EXISTS, &[]).await?.first().map_or(Ok(0), |row| row.int(0))?;
    if exists == 0 {
        return Ok(Vec::new());
    }
    let rows = transaction.query(APPLIED, &[]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).collect()
}

pub(crate) async fn postgres_state(transaction: &mut Transaction) -> Result<MigrationState> {
    let applied = postgres_applied(transaction).await?;
    let pending = compare(&applied, |migration| migration.postgres)?;
    Ok(state(&applied, &pending))
}

/// Applies the pending migrations, each in its own transaction, so that one releases its locks before the next starts.
///
/// A table change queues behind that table's readers, and everyone else queues behind the change. So it waits only
/// briefly, and retries after a pause in which the others proceed.
pub(crate) async fn postgres(database: &Postgres, now: Timestamp) -> Result<MigrationState> {
    let began = Instant::now();
    let mut done = Vec::new();
    loop {
        match postgres_next(database, now).await? {
            Next::UpToDate => return Ok(MigrationState { version: newest_version(), pending: done }),
            Next::Applied(name) => done.push(name),
            Next::Locked(name) if began.elapsed() < TIMEOUT => {
                tracing::warn!(migration = name, "a table is in use (by a dump?); the migration tries again");
                tokio::time::sleep(PAUSE).await;
            }
            Next::Locked(name) => {
                return Err(Error::Unavailable(format!(
                    "migration {name} did not get its tables in five minutes: something else uses them all the time, such as a dump. Start it again afterwards"
                )));
            }
        }
    }
}

/// The outcome of the next migration.
enum Next {
    UpToDate,
    Applied(&'static str),
    /// Something else is using its tables.
    Locked(&'static str),
}

async fn postgres_next(database: &Postgres, now: Timestamp) -> Result<Next> {
    let mut transaction = database.begin_without_timeout().await?;
    // Two nodes may start on an empty database at once. CREATE TABLE IF NOT EXISTS is not safe against that; a lock
    // that ends with the transaction is. Its number is the product's name in ASCII.
    transaction.batch("SELECT pg_advisory_xact_lock(7165064744911537006)").await?;
    let applied = postgres_applied(&mut transaction).await?;
    let Some(migration) = compare(&applied, |migration| migration.postgres)?.into_iter().next() else {
        transaction.rollback().await;
        return Ok(Next::UpToDate);
    };
    transaction.batch(WAIT_FOR_TABLES).await?;
    if !transaction.batch_unless_locked(migration.postgres).await? {
        transaction.rollback().await;
        return Ok(Next::Locked(migration.name));
    }
    if migration.name == email_keys::NAME {
        match email_keys::postgres(&mut transaction).await {
            Ok(()) => {}
            // One of its rows is locked, or its key was just taken.
            Err(Error::Unavailable(_) | Error::Unique { .. }) => {
                transaction.rollback().await;
                return Ok(Next::Locked(migration.name));
            }
            Err(error) => return Err(error),
        }
    }
    transaction.batch(BOOKKEEPING).await?;
    let sum = checksum(migration.postgres);
    let params: [Value<'_>; 4] = [migration.version.into(), migration.name.into(), sum.into(), now.into()];
    transaction.execute(APPLY, &params).await?;
    transaction.commit().await?;
    Ok(Next::Applied(migration.name))
}
