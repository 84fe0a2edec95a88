//! Countersign's data access layer: the only crate that knows SQL.
//!
//! One interface, one SQL text, two engines. Each statement is written once, in syntax both engines accept (`$1`,
//! `RETURNING`, `ON CONFLICT`), and runs on SQLite and PostgreSQL; the few that must differ are explicit pairs.
//!
//! - [`Store::reader`] returns a [`Reader`]: on SQLite, the calling thread's read-only connection, used inline (a read
//!   by key takes microseconds, less than a hop to another thread); on PostgreSQL, a pooled connection.
//! - [`Store::write`] runs a transaction. On PostgreSQL it is an ordinary transaction at `READ COMMITTED`. On SQLite it
//!   runs on the single writer thread, in a savepoint of the current group, and completes only after the group's commit
//!   has reached the disk. A transaction must await nothing but its own statements.
//!
//! Every function takes the environment, so a row of another environment cannot be read by mistake. This crate makes no
//! decisions; the rules live in `countersign-protocol`.

pub mod api_key;
pub mod application;
pub mod application_logo;
pub mod attempt;
pub mod audit_log_event;
pub mod audit_log_export;
pub mod audit_log_retention;
pub mod audit_log_schema;
pub mod audit_log_stream;
pub mod authentication_challenge;
pub mod authentication_factor;
pub mod branding;
pub mod change;
pub mod client_document;
pub mod client_secret;
pub mod consent;
pub mod cors_origin;
pub mod data_key;
pub mod device_authorization;
pub mod domain_check;
pub mod environment;
pub mod environment_api_key;
mod error;
pub mod event;
pub mod external_authentication;
pub mod idempotency;
pub mod image;
pub mod invitation;
pub mod jwt_template;
pub mod logout_notice;
pub mod mail;
pub mod mailed_code;
pub mod membership;
mod migrate;
pub mod oauth_resource;
pub mod organization;
pub mod password_reset;
pub mod past_signing_key;
pub mod permission;
pub mod portal;
mod postgres;
pub mod redirect_uri;
pub mod revoked_token;
pub mod role;
pub mod self_registration;
pub mod session;
pub mod session_code;
pub mod session_device;
pub mod session_family;
pub mod session_login;
pub mod signing_key;
mod sql;
mod sqlite;
pub mod staff_link;
pub mod standalone;
pub mod token_family;
pub mod user;
pub mod webhook_attempt;
pub mod webhook_delivery;
pub mod webhook_endpoint;

pub use error::{Error, Result};
pub use migrate::{MigrationState, newest_version};
pub use sql::{Query, Row, Sql, Value};

use countersign_protocol::time::Timestamp;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// The future returned by a transaction's function.
pub type TxFuture<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// A transaction's work; resolves to whether to commit it.
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> + Send>;

/// The location of the database.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file, created if it does not exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://…`
        url: String,
        /// Maximum number of connections.
        connections: usize,
        /// Certificates (PEM) to trust in addition to the public ones.
        authorities: Option<PathBuf>,
    },
}

impl Location {
    /// Validates everything that opening the database would read, apart from the database itself.
    ///
    /// # Errors
    /// If the URL is invalid or the certificates cannot be read.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres { url, authorities, .. } => postgres::check(url, authorities.as_deref()),
        }
    }
}

impl std::fmt::Debug for Location {
    /// Omits the URL, which may contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres { .. } => f.write_str("Postgres(not shown)"),
        }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Engine>);

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Runs reads outside a transaction.
pub struct Reader(ReaderKind);

enum ReaderKind {
    Sqlite(sqlite::ReaderHandle),
    Postgres(Box<postgres::Connection>),
}

/// A transaction: reads and writes.
pub struct Tx {
    kind: TxKind,
    /// Changes for caches to drop, recorded last because recording locks the feed until the commit.
    changes: Vec<change::Pending>,
}

enum TxKind {
    Sqlite,
    Postgres(Box<postgres::Transaction>),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &*self.0 {
            Engine::Sqlite(_) => "Store(SQLite)",
            Engine::Postgres(_) => "Store(PostgreSQL)",
        })
    }
}

impl Store {
    /// Opens the database. Does not touch the schema; see [`Store::migrate`].
    ///
    /// # Errors
    /// If it cannot be opened or reached.
    pub async fn open(location: &Location) -> Result<Self> {
        let engine = match location {
            Location::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path)?),
            Location::Postgres { url, connections, authorities } => {
                Engine::Postgres(postgres::Postgres::open(url, *connections, authorities.as_deref()).await?)
            }
        };
        Ok(Self(Arc::new(engine)))
    }

    /// The engine's display name.
    pub fn engine_name(&self) -> &'static str {
        match &*self.0 {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Returns a reader for use outside a transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection becomes available in time.
    pub async fn reader(&self) -> Result<Reader> {
        Ok(Reader(match &*self.0 {
            Engine::Sqlite(sqlite) => ReaderKind::Sqlite(sqlite.reader()),
            Engine::Postgres(postgres) => ReaderKind::Postgres(Box::new(Box::pin(postgres.connection()).await?)),
        }))
    }

    /// Returns a reader for the change feed. On PostgreSQL it uses a dedicated pool, so that a surge of requests cannot
    /// keep a node from learning about changes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no connection becomes available in time.
    pub async fn feed_reader(&self) -> Result<Reader> {
        match &*self.0 {
            Engine::Sqlite(_) => self.reader().await,
            Engine::Postgres(postgres) => {
                Ok(Reader(ReaderKind::Postgres(Box::new(Box::pin(postgres.feed_connection()).await?))))
            }
        }
    }

    /// Returns the database server's clock; `None` on SQLite, which uses this machine's clock.
    ///
    /// # Errors
    /// Database errors.
    pub async fn clock(&self) -> Result<Option<Timestamp>> {
        match &*self.0 {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(postgres) => Box::pin(postgres.clock()).await.map(Some),
        }
    }

    /// Runs a transaction: commits if the function returns `Ok`, rolls back if it returns `Err`.
    ///
    /// The function must await nothing but statements of the transaction it is given; on SQLite anything else makes it
    /// fail.
    ///
    /// # Errors
    /// The function's own error, or a database error converted to its type.
    pub fn write<T, E, F>(&self, function: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.transact(true, function)
    }

    /// Like [`Store::write`], for data that may be lost in a power failure: on SQLite the commit does not wait for the
    /// disk. Once this returns, every reader of the database sees the data, and a crash of this process does not lose
    /// it. Not for events and changes, which others have acted upon.
    ///
    /// # Errors
    /// Same as [`Store::write`].
    pub fn note<T, E, F>(&self, function: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.transact(false, function)
    }

    fn transact<T, E, F>(&self, durable: bool, function: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        // The outcome is stored here so that the code around a transaction is compiled once rather than per
        // transaction. What the function captured is moved into its box once, rather than with every future that awaits
        // it.
        let outcome = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&outcome);
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                let done = function(tx).await;
                let keep = done.is_ok();
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
                keep
            })
        });
        async move {
            self.run(durable, work).await.map_err(E::from)?;
            let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
            outcome.unwrap_or_else(|| Err(E::from(Error::Database("a transaction came to nothing".to_owned()))))
        }
    }

    /// Runs a transaction's work to completion and ends the transaction.
    ///
    /// # Errors
    /// If it could not be run or committed. The outcome of the work itself is not reported here.
    async fn run(&self, durable: bool, work: Work) -> Result<()> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.write(durable, work).await,
            Engine::Postgres(postgres) => Box::pin(run_in_postgres(postgres, work)).await,
        }
    }

    /// Migrates the schema to the newest version, under a lock. Does nothing if it is up to date.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`] if a newer version of this program created the schema, [`Error::MigrationAltered`] if an
    /// applied migration differs from the one this program knows.
    pub async fn migrate(&self, now: Timestamp) -> Result<MigrationState> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.with_own_connection(|connection| migrate::sqlite(connection, now)),
            Engine::Postgres(postgres) => migrate::postgres(postgres, now).await,
        }
    }

    /// Returns the state of the schema without changing it.
    ///
    /// # Errors
    /// Same as [`Store::migrate`].
    pub async fn migration_state(&self) -> Result<MigrationState> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.with_own_connection(|connection| migrate::sqlite_state(connection)),
            Engine::Postgres(postgres) => migrate::postgres_state(&mut postgres.begin_without_timeout().await?).await,
        }
    }

    /// Writes a consistent copy of a SQLite database to a new file while the database is in use.
    ///
    /// # Errors
    /// [`Error::NotSupported`] on PostgreSQL, which has its own tools for this.
    pub fn backup(&self, to: &Path) -> Result<()> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.backup(to),
            Engine::Postgres(_) => Err(Error::NotSupported("use pg_dump to back up a PostgreSQL database")),
        }
    }

    /// Every statement of this crate, for the test that prepares them all on both engines.
    #[doc(hidden)]
    pub fn statements() -> Vec<(&'static str, Sql)> {
        [
            api_key::STATEMENTS,
            application::STATEMENTS,
            attempt::STATEMENTS,
            audit_log_event::STATEMENTS,
            audit_log_export::STATEMENTS,
            audit_log_retention::STATEMENTS,
            audit_log_schema::STATEMENTS,
            audit_log_stream::STATEMENTS,
            change::STATEMENTS,
            client_secret::STATEMENTS,
            consent::STATEMENTS,
            data_key::STATEMENTS,
            application_logo::STATEMENTS,
            authentication_challenge::STATEMENTS,
            authentication_factor::STATEMENTS,
            branding::STATEMENTS,
            image::STATEMENTS,
            device_authorization::STATEMENTS,
            domain_check::STATEMENTS,
            environment::STATEMENTS,
            environment_api_key::STATEMENTS,
            event::STATEMENTS,
            external_authentication::STATEMENTS,
            session_login::STATEMENTS,
            standalone::STATEMENTS,
            idempotency::STATEMENTS,
            logout_notice::STATEMENTS,
            oauth_resource::STATEMENTS,
            jwt_template::STATEMENTS,
            mail::STATEMENTS,
            migrate::email_keys::STATEMENTS,
            mailed_code::STATEMENTS,
            invitation::STATEMENTS,
            membership::STATEMENTS,
            organization::STATEMENTS,
            password_reset::STATEMENTS,
            past_signing_key::STATEMENTS,
            staff_link::STATEMENTS,
            portal::STATEMENTS,
            permission::STATEMENTS,
            revoked_token::STATEMENTS,
            session::STATEMENTS,
            role::STATEMENTS,
            signing_key::STATEMENTS,
            token_family::STATEMENTS,
            user::STATEMENTS,
            redirect_uri::STATEMENTS,
            cors_origin::STATEMENTS,
            session_code::STATEMENTS,
            session_device::STATEMENTS,
            session_family::STATEMENTS,
            client_document::STATEMENTS,
            self_registration::STATEMENTS,
            webhook_attempt::STATEMENTS,
            webhook_delivery::STATEMENTS,
            webhook_endpoint::STATEMENTS,
        ]
        .concat()
    }

    /// Prepares a statement without running it; on SQLite, also returns the query plan.
    #[doc(hidden)]
    pub async fn prepare(&self, sql: Sql) -> Result<Vec<String>> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.with_own_connection(|connection| {
                let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.sqlite))?;
                for at in 1..=plan.parameter_count() {
                    plan.raw_bind_parameter(at, "")?;
                }
                let mut rows = plan.raw_query();
                let mut steps = Vec::new();
                while let Some(row) = rows.next()? {
                    steps.push(row.get(3)?);
                }
                Ok(steps)
            }),
            Engine::Postgres(postgres) => postgres.connection().await?.prepare(sql).await.map(|()| Vec::new()),
        }
    }
}

// The PostgreSQL futures are boxed: an allocation is negligible next to a network round trip, while an unboxed future
// would be as large as the largest of its states, and is moved with every request.

async fn run_in_postgres(postgres: &postgres::Postgres, work: Work) -> Result<()> {
    let transaction = postgres.begin().await?;
    let mut tx = Tx::new(TxKind::Postgres(Box::new(transaction)));
    let ran = perform(&mut tx, work).await;
    let TxKind::Postgres(transaction) = tx.kind else {
        return ran.map(drop);
    };
    match ran {
        Ok(true) => transaction.commit().await,
        Ok(false) => {
            transaction.rollback().await;
            Ok(())
        }
        Err(error) => {
            transaction.rollback().await;
            Err(error)
        }
    }
}

impl Query for Reader {
    async fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        match &mut self.0 {
            ReaderKind::Sqlite(reader) => reader.query(sql, params),
            ReaderKind::Postgres(connection) => Box::pin(connection.query(sql, params)).await,
        }
    }
}

impl Reader {
    /// Runs a query that may scan many rows. On SQLite it runs on a blocking-work thread, so that nothing else waits
    /// for it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn scan(&mut self, sql: Sql, params: Vec<Value<'static>>) -> Result<Vec<Row>> {
        match &mut self.0 {
            ReaderKind::Sqlite(reader) => reader.scan(sql, params).await,
            ReaderKind::Postgres(connection) => Box::pin(connection.query(sql, &params)).await,
        }
    }
}

impl Query for Tx {
    async fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        match &mut self.kind {
            TxKind::Sqlite => sqlite::writer_query(sql, params),
            TxKind::Postgres(transaction) => Box::pin(transaction.query(sql, params)).await,
        }
    }
}

/// Runs a transaction's work, then records its changes; returns whether to commit.
async fn perform(tx: &mut Tx, work: Work) -> Result<bool> {
    let keep = work(tx).await;
    if keep {
        change::flush(tx).await?;
    }
    Ok(keep)
}

/// Enough for a few million rows. A caller gets an answer within half a minute either way: anything longer is rolled
/// back.
const AT_LENGTH: &str = "SET LOCAL statement_timeout = '27s'";

impl Tx {
    fn new(kind: TxKind) -> Self {
        Self { kind, changes: Vec::new() }
    }

    /// Like [`Tx::execute`], for a statement whose work grows with the tenant, such as a cascading deletion: it may
    /// take nearly as long as a request may. The longer timeout also applies to the transaction's later statements.
    ///
    /// # Errors
    /// Database errors.
    pub async fn execute_at_length(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64> {
        if let TxKind::Postgres(transaction) = &self.kind {
            Box::pin(transaction.batch(AT_LENGTH)).await?;
        }
        self.execute(sql, params).await
    }

    /// Runs a statement that returns no rows; returns the number of rows it changed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64> {
        match &mut self.kind {
            TxKind::Sqlite => sqlite::writer_execute(sql, params),
            TxKind::Postgres(transaction) => Box::pin(transaction.execute(sql, params)).await,
        }
    }
}
