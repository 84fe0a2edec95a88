//! A fresh database per test: a directory for SQLite, a schema for PostgreSQL.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that goes away with the test.
#[derive(Debug)]
pub struct Database {
    /// The data directory.
    pub directory: tempfile::TempDir,
    /// What `database` is set to.
    pub url: String,
    schema: Option<(String, String)>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What the environment says the tests may use.
pub fn variable(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment what is there")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Says loudly, past the test runner's capture, that something was skipped; fails where nothing may be.
pub fn skip(what: &str, why: &str) {
    assert!(variable("COUNTERSIGN_TEST_REQUIRE_ALL").is_none(), "{what} would be skipped: {why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
}

impl Database {
    /// A fresh database, or `None` (said loudly) when there is no server for it.
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

    /// Whether each connection to a PostgreSQL database is encrypted.
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

    /// Whether a transaction waits for another one. On SQLite the one that writes is the only one, and all others wait.
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

    /// What the events of a name say, oldest first. No front door shows them yet.
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

    /// Changes rows behind the servers' back, as somebody does who has got hold of the database.
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

    /// Ends every connection to a PostgreSQL database, as a fail-over or a restart does.
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
            // A thread of its own: drop may run inside a runtime.
            let _ = std::thread::spawn(move || {
                super::run(async move { execute(&server, &format!("DROP SCHEMA {schema} CASCADE")).await });
            })
            .join();
        }
    }
}
