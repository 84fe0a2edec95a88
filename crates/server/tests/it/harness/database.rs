//! A fresh database per test: a directory for SQLite, a schema for PostgreSQL.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// The database engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that is deleted after the test.
#[derive(Debug)]
pub struct Database {
    /// The data directory.
    pub directory: tempfile::TempDir,
    /// The value of the `database` setting.
    pub url: String,
    schema: Option<(String, String)>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Returns an environment variable that configures the tests.
pub fn variable(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment what is there")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Prints that something was skipped, past the test runner's capture; panics if skipping is not allowed.
pub fn skip(what: &str, why: &str) {
    assert!(variable("COUNTERSIGN_TEST_REQUIRE_ALL").is_none(), "{what} would be skipped: {why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
}

impl Database {
    /// Creates a database, or returns `None` (with a visible notice) when there is no server for it.
    pub async fn fresh(backend: Backend) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        if backend == Backend::Sqlite {
            return Some(Self { directory, url: "sqlite".into(), schema: None });
        }
        let Some(server) = variable("COUNTERSIGN_TEST_POSTGRES") else {
            let name = std::thread::current().name().unwrap_or("test").to_owned();
            skip(&name, "COUNTERSIGN_TEST_POSTGRES is not set (scripts/with-postgres sets it)");
            return None;
        };
        let schema = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server, &format!("CREATE SCHEMA {schema}")).await;
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}application_name={schema}&options=-csearch_path%3D{schema}");
        Some(Self { directory, url, schema: Some((server, schema)) })
    }

    /// Returns for each connection to a PostgreSQL database whether it is encrypted.
    pub async fn encrypted_connections(&self) -> Vec<bool> {
        let Some((server, schema)) = &self.schema else { return Vec::new() };
        let question = format!(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{schema}'"
        );
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let rows = client.query(&question, &[]).await.unwrap();
        drop(client);
        let _ = driver.await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Whether a transaction is waiting for another one. SQLite has a single writer that all others wait for, so always
    /// `true`.
    pub async fn somebody_waits(&self) -> bool {
        let Some((server, schema)) = &self.schema else { return true };
        let question =
            format!("SELECT 1 FROM pg_stat_activity WHERE application_name = '{schema}' AND wait_event_type = 'Lock'");
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let rows = client.query(&question, &[]).await.unwrap();
        drop(client);
        let _ = driver.await;
        !rows.is_empty()
    }

    /// Returns the data of events with this name, oldest first. No API exposes them yet.
    pub async fn events(&self, environment_id: &str, name: &str) -> Vec<serde_json::Value> {
        let question = format!(
            "SELECT data FROM event WHERE environment_id = '{environment_id}' AND event = '{name}' ORDER BY id"
        );
        let rows: Vec<String> = match &self.schema {
            None => {
                let file = self.directory.path().join("data").join("countersign.db");
                let connection = rusqlite::Connection::open(file).unwrap();
                let mut statement = connection.prepare(&question).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Some(_) => {
                let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
                let driver = tokio::spawn(connection);
                let rows = client.query(&question, &[]).await.unwrap();
                drop(client);
                let _ = driver.await;
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        rows.iter().map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// Changes rows behind the servers' back, like an attacker with access to the database.
    pub async fn tamper(&self, statements: &str) {
        match &self.schema {
            None => {
                let file = self.directory.path().join("data").join("countersign.db");
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                connection.execute_batch(statements).unwrap();
            }
            Some(_) => execute(&self.url, statements).await,
        }
    }

    /// Terminates every connection to a PostgreSQL database, as a failover or restart does.
    pub async fn end_connections(&self) {
        if let Some((server, schema)) = &self.schema {
            let all =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'");
            execute(server, &all).await;
        }
    }
}

/// Runs statements on a PostgreSQL server as its operator would.
async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    let _ = driver.await;
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, schema)) = self.schema.take() {
            // On a separate thread, because drop may run inside a runtime.
            let _ = std::thread::spawn(move || {
                super::run(async move { execute(&server, &format!("DROP SCHEMA {schema} CASCADE")).await });
            })
            .join();
        }
    }
}
