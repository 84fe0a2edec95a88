//! The rows of Countersign: the only crate that knows SQL.
//!
//! One seam, one SQL text, two engines. A statement is written once (`$1`, `RETURNING`, `ON CONFLICT` read alike) and
//! runs on SQLite and on PostgreSQL; the few that must differ are visible pairs.
//!
//! - [`Store::reader`] gives a [`Reader`]: on SQLite a read-only connection of the calling thread, used inline (a read
//!   by key takes microseconds, less than a hop to another thread); on PostgreSQL a pooled connection.
//! - [`Store::write`] runs a transaction. On PostgreSQL it is an ordinary one, at `READ COMMITTED`. On SQLite it runs on
//!   the one writer thread, in a savepoint of the current group, and is answered after the group's commit has reached
//!   the disk. A transaction awaits nothing but its own statements.
//!
//! Every function takes the environment: a row of another environment cannot be read by mistake. This crate decides
//! nothing; rules live in `countersign-protocol`.

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

/// A future that a transaction is made of.
pub type TxFuture<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// What is done in a transaction; says whether to keep it.
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> + Send>;

/// Where the rows are kept.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file, made if it does not exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://…`
        url: String,
        /// How many connections at most.
        connections: usize,
        /// Certificates (PEM) to trust besides the public ones.
        authorities: Option<PathBuf>,
    },
}

impl Location {
    /// Reads what opening it would read besides the database itself.
    ///
    /// # Errors
    /// When the URL is none, or the certificates cannot be read.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres { url, authorities, .. } => postgres::check(url, authorities.as_deref()),
        }
    }
}

impl std::fmt::Debug for Location {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres { .. } => f.write_str("Postgres(not shown)"),
        }
    }
}

/// A database, open. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Engine>);

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Reads outside a transaction.
pub struct Reader(ReaderKind);

enum ReaderKind {
    Sqlite(sqlite::ReaderHandle),
    Postgres(Box<postgres::Connection>),
}

/// A transaction: reads and writes.
pub struct Tx {
    kind: TxKind,
    /// What caches must drop, recorded last of all: it locks the feed until the commit.
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
    /// When it cannot be opened or reached.
    pub async fn open(location: &Location) -> Result<Self> {
        let engine = match location {
            Location::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path)?),
            Location::Postgres { url, connections, authorities } => {
                Engine::Postgres(postgres::Postgres::open(url, *connections, authorities.as_deref()).await?)
            }
        };
        Ok(Self(Arc::new(engine)))
    }

    /// The engine's name, for people.
    pub fn engine_name(&self) -> &'static str {
        match &*self.0 {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Reads outside a transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection can be had in time.
    pub async fn reader(&self) -> Result<Reader> {
        Ok(Reader(match &*self.0 {
            Engine::Sqlite(sqlite) => ReaderKind::Sqlite(sqlite.reader()),
            Engine::Postgres(postgres) => ReaderKind::Postgres(Box::new(Box::pin(postgres.connection()).await?)),
        }))
    }

    /// Reads the change feed: on PostgreSQL with connections that nothing else uses, so that a rush of requests cannot
    /// keep a node from learning what has changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection can be had in time.
    pub async fn feed_reader(&self) -> Result<Reader> {
        match &*self.0 {
            Engine::Sqlite(_) => self.reader().await,
            Engine::Postgres(postgres) => {
                Ok(Reader(ReaderKind::Postgres(Box::new(Box::pin(postgres.feed_connection()).await?))))
            }
        }
    }

    /// What the database's own clock says; `None` on SQLite, whose clock is this machine's.
    ///
    /// # Errors
    /// Database errors.
    pub async fn clock(&self) -> Result<Option<Timestamp>> {
        match &*self.0 {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(postgres) => Box::pin(postgres.clock()).await.map(Some),
        }
    }

    /// Runs a transaction: commits when the function returns `Ok`, rolls back when it returns `Err`.
    ///
    /// The function must await nothing but statements of the transaction it is given; on SQLite anything else fails it.
    ///
    /// # Errors
    /// The function's own, or a database error turned into its type.
    pub fn write<T, E, F>(&self, function: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.transact(true, function)
    }

    /// The same for what may be lost when the power fails: on SQLite its commit does not wait for the disk. Whatever reads
    /// the database sees it as soon as it is answered, and no end of this process loses it. Not for events and changes,
    /// which others have acted upon.
    ///
    /// # Errors
    /// As [`Store::write`].
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
        // What comes of it lies here, so that everything around a transaction is compiled once and not for each. What it takes
        // along is moved into its box at once, and not with every future that waits for it.
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

    /// Runs the work of a transaction to its end, and ends the transaction.
    ///
    /// # Errors
    /// When it could not be run, or not be committed. What the work itself came to is not told here.
    async fn run(&self, durable: bool, work: Work) -> Result<()> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.write(durable, work).await,
            Engine::Postgres(postgres) => Box::pin(run_in_postgres(postgres, work)).await,
        }
    }

    /// Brings the schema up to date, under a lock. Does nothing when it is.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`] when a newer version of this program made it, [`Error::MigrationAltered`] when a migration
    /// that was applied is not the one this program knows.
    pub async fn migrate(&self, now: Timestamp) -> Result<MigrationState> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.with_own_connection(|connection| migrate::sqlite(connection, now)),
            Engine::Postgres(postgres) => migrate::postgres(postgres, now).await,
        }
    }

    /// Tells the state of the schema without changing it.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn migration_state(&self) -> Result<MigrationState> {
        match &*self.0 {
            Engine::Sqlite(sqlite) => sqlite.with_own_connection(|connection| migrate::sqlite_state(connection)),
            Engine::Postgres(postgres) => migrate::postgres_state(&mut postgres.begin_without_timeout().await?).await,
        }
    }

    /// Writes a consistent copy of a SQLite database to a new file, while it is in use.
    ///
    /// # Errors
    /// [`Error::NotSupported`] on PostgreSQL, which has tools of its own for this.
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

    /// Prepares a statement without running it; on SQLite also gives the query plan.
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

// What waits for PostgreSQL is boxed: next to a journey over the network an allocation is nothing, and whatever awaits a
// statement would be as large as the largest of its states, and is moved with every request.

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
    /// A query that may look at many rows. On SQLite it runs on a thread for blocking work, so that nobody waits for it.
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

/// Does the work of a transaction, and then records its changes; whether they are to be kept.
async fn perform(tx: &mut Tx, work: Work) -> Result<bool> {
    let keep = work(tx).await;
    if keep {
        change::flush(tx).await?;
    }
    Ok(keep)
}

/// Some million rows. Whoever asks is answered within half a minute, one way or the other: what lasts longer is undone.
const AT_LENGTH: &str = "SET LOCAL statement_timeout = '27s'";

impl Tx {
    fn new(kind: TxKind) -> Self {
        Self { kind, changes: Vec::new() }
    }

    /// The same as [`Tx::execute`] for a statement whose work grows with the tenant, such as a deletion with all that hangs on it:
    /// it may take nearly as long as a request may. The others of this transaction may from then on, too.
    ///
    /// # Errors
    /// Database errors.
    pub async fn execute_at_length(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64> {
        if let TxKind::Postgres(transaction) = &self.kind {
            Box::pin(transaction.batch(AT_LENGTH)).await?;
        }
        self.execute(sql, params).await
    }

    /// Runs a statement that returns no rows; gives how many it changed.
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
