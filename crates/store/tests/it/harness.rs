//! A fresh database for each test: a SQLite file in its own directory, or its own PostgreSQL schema.

use countersign_protocol::time::Timestamp;
use countersign_store::{Location, Store};
use std::future::Future;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a test waits for something that must happen.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The number of connections of a test's PostgreSQL store.
const CONNECTIONS: usize = 8;

/// Returns the timestamp this many milliseconds after noon on January 15, 2026.
pub(crate) const fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(1_768_478_400_000 + milliseconds)
}

/// A fresh, empty database.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite { directory: PathBuf },
    Postgres { url: String },
}

impl Database {
    pub(crate) fn location(&self) -> Location {
        match self {
            Self::Sqlite { .. } => Location::Sqlite(self.path("countersign.db")),
            Self::Postgres { url } => {
                Location::Postgres { url: url.clone(), connections: CONNECTIONS, authorities: None }
            }
        }
    }

    /// Returns the path of a file next to the SQLite database.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Sqlite { directory } => directory.join(name),
            Self::Postgres { .. } => panic!("a PostgreSQL database has no files of ours"),
        }
    }

    /// Opens the database without changing its schema.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location()).await.unwrap()
    }

    /// Opens the database and migrates its schema.
    pub(crate) async fn migrated(&self) -> Store {
        let store = self.open().await;
        store.migrate(at(0)).await.unwrap();
        store
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn execute(&self, statements: &str) {
        match self {
            Self::Sqlite { .. } => self.sqlite().execute_batch(statements).unwrap(),
            Self::Postgres { url } => connect(url).await.batch_execute(statements).await.unwrap(),
        }
    }

    /// Runs a query behind the store's back and returns its rows, with all columns as text and `NULL` as a dash.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite { .. } => {
                let connection = self.sqlite();
                let mut statement = connection.prepare(query).unwrap();
                let columns = statement.column_count();
                let mut rows = statement.query([]).unwrap();
                let mut found = Vec::new();
                while let Some(row) = rows.next().unwrap() {
                    let text = |at| match row.get::<_, rusqlite::types::Value>(at).unwrap() {
                        rusqlite::types::Value::Null => "-".to_owned(),
                        rusqlite::types::Value::Integer(number) => number.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        other => panic!("not for reading as text: {other:?}"),
                    };
                    found.push((0..columns).map(text).collect());
                }
                found
            }
            Self::Postgres { url } => {
                let messages = connect(url).await.simple_query(query).await.unwrap();
                let row = |message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|at| row.get(at).unwrap_or("-").to_owned()).collect())
                    }
                    _ => None,
                };
                messages.into_iter().filter_map(row).collect()
            }
        }
    }

    /// Opens a separate connection to PostgreSQL.
    pub(crate) async fn connection(&self) -> tokio_postgres::Client {
        match self {
            Self::Sqlite { .. } => panic!("a SQLite database has no server"),
            Self::Postgres { url } => connect(url).await,
        }
    }

    fn sqlite(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path("countersign.db")).unwrap();
        connection.busy_timeout(TIMEOUT).unwrap();
        connection
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What a test body can take as its argument.
pub(crate) trait Fixture: Sized {
    fn make(database: Database) -> impl Future<Output = Self>;
}

impl Fixture for Database {
    async fn make(database: Database) -> Self {
        database
    }
}

impl Fixture for Store {
    async fn make(database: Database) -> Self {
        database.migrated().await
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// Runs a test body on a fresh SQLite database.
pub(crate) fn on_sqlite<F: Fixture, R: Future<Output = ()>>(body: impl FnOnce(F) -> R) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::Sqlite { directory: directory.path().to_owned() };
    runtime().block_on(async { body(F::make(database).await).await });
}

/// Runs a test body on a fresh PostgreSQL schema, or reports that there is no server.
pub(crate) fn on_postgres<F: Fixture, R: Future<Output = ()>>(body: impl FnOnce(F) -> R) {
    let Some(server) = postgres_server() else { return };
    let runtime = runtime();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let schema = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let administer = |statement: String| {
        runtime.block_on(async { connect(&server).await.batch_execute(&statement).await.unwrap() });
    };
    administer(format!("CREATE SCHEMA {schema}"));
    let separator = if server.contains('?') { '&' } else { '?' };
    let database = Database::Postgres { url: format!("{server}{separator}options=-csearch_path%3D{schema}") };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { body(F::make(database).await).await });
    }));
    administer(format!("DROP SCHEMA {schema} CASCADE"));
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Returns the server to test on. Without one, prints a warning past the test runner's capture, and panics if
/// everything is required to run.
#[expect(clippy::disallowed_methods, reason = "what a test runs on is told by the environment")]
pub(crate) fn postgres_server() -> Option<String> {
    let server = std::env::var("COUNTERSIGN_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if server.is_none() {
        let required = std::env::var("COUNTERSIGN_TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!required, "COUNTERSIGN_TEST_REQUIRE_ALL=1, but COUNTERSIGN_TEST_POSTGRES is not set");
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a test");
        let warning = format!(
            "SKIPPED, NOT TESTED on PostgreSQL: {name} (set COUNTERSIGN_TEST_POSTGRES, or use scripts/with-postgres)\n"
        );
        std::io::stderr().write_all(warning.as_bytes()).unwrap();
    }
    server
}
