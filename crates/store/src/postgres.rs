//! PostgreSQL: pooled connections, transactions at `READ COMMITTED`.

use crate::error::{Error, Result};
use crate::sql::{Row, RowKind, Sql, Value};
use countersign_protocol::time::Timestamp;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);
/// Settings for each connection. An idle transaction belongs to a node that is gone and holds locks that all others
/// wait for; with the operating system's keepalive defaults, the server would notice after two hours.
const SESSION: &str = "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=20s \
                       -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";
/// The driver's default idle time before keepalives, used to detect whether the URL sets another.
const DRIVERS_SILENCE: Duration = Duration::from_secs(2 * 60 * 60);

pub(crate) struct Postgres {
    pool: Pool,
    feed: Pool,
}

/// A connection for reads. If dropped while awaiting an answer (the caller went away or timed out), it is closed:
/// otherwise the next user would wait for a result nobody wants, or for a server that is gone.
pub(crate) struct Connection {
    object: Option<Object>,
    awaiting: bool,
}

/// A transaction. If dropped before its end (the caller went away), it closes the connection, which rolls it back: a
/// connection in the middle of a transaction never returns to the pool.
pub(crate) struct Transaction {
    object: Option<Object>,
    /// Whether the server has become read-only: a new connection may reach the writable one.
    read_only: AtomicBool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, connections: usize, authorities: Option<&Path>) -> Result<Self> {
        let (mut config, encrypted) = settings(url)?;
        config
            .ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable })
            // A standby rejects writes and serves stale data: given several servers, or a name that moves between them,
            // only the writable one will do.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(Duration::from_secs(10));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(patience_with_one(&config));
        }
        if config.get_application_name().is_none() {
            config.application_name("countersign");
        }
        // The client's side of keepalives: detects a server that is gone while an answer is awaited.
        if config.get_keepalives_idle() == DRIVERS_SILENCE {
            config.keepalives_idle(Duration::from_secs(10));
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(WAIT);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(3);
        }
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{options} {SESSION}"));
        let pool = |connections: usize| -> Result<Pool> {
            let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let config = config.clone();
            let manager = if encrypted {
                let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls(authorities)?);
                Manager::from_config(config, tls, settings)
            } else {
                Manager::from_config(config, tokio_postgres::NoTls, settings)
            };
            let timeouts = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) };
            Pool::builder(manager)
                .max_size(connections)
                .runtime(Runtime::Tokio1)
                .timeouts(timeouts)
                .build()
                .map_err(|error| unusable(&error))
        };
        let postgres = Self { pool: pool(connections.max(2))?, feed: pool(2)? };
        // Connect now, so that a wrong URL is an error of this call.
        let mut connection = postgres.connection().await?;
        let encoding = connection.query(ENCODING, &[]).await?;
        if encoding.first().map_or(Ok(""), |row| row.text(0))? != "UTF8" {
            return Err(Error::NotSupported(
                "the database cannot hold every name: its encoding is not UTF8. Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            ));
        }
        drop(connection);
        Ok(postgres)
    }

    pub(crate) async fn connection(&self) -> Result<Connection> {
        Self::take(&self.pool).await
    }

    /// The caller abandons a poll before a silent server times out: the connection attempt continues in its own task,
    /// and the next poll finds it.
    pub(crate) async fn feed_connection(&self) -> Result<Connection> {
        let pool = self.feed.clone();
        let made = tokio::spawn(async move { Self::take(&pool).await });
        made.await.unwrap_or_else(|error| Err(unusable(&error)))
    }

    async fn take(pool: &Pool) -> Result<Connection> {
        let object = pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Error::from(error),
            other => Error::Unavailable(other.to_string()),
        })?;
        Ok(Connection { object: Some(object), awaiting: false })
    }

    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let object = self.connection().await?.object.take();
        let transaction = Transaction { object, read_only: AtomicBool::new(false) };
        transaction.batch("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        Ok(transaction)
    }

    /// Returns the server's clock.
    pub(crate) async fn clock(&self) -> Result<Timestamp> {
        let rows = self.connection().await?.query(CLOCK, &[]).await?;
        let row = rows.first().ok_or_else(|| Error::Database("the server did not say what time it is".to_owned()))?;
        row.timestamp(0)
    }

    /// Begins a transaction without statement or lock timeouts, for migrations.
    pub(crate) async fn begin_without_timeout(&self) -> Result<Transaction> {
        let transaction = self.begin().await?;
        transaction.batch("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
        Ok(transaction)
    }
}

/// The connect timeout for each server, or each address its name resolves to: it leaves time to try another.
fn patience_with_one(config: &tokio_postgres::Config) -> Duration {
    let servers = config.get_hosts().len().max(config.get_hostaddrs().len());
    let servers = u32::try_from(servers).unwrap_or(u32::MAX).max(2);
    (WAIT / servers).max(Duration::from_millis(500))
}

fn unusable(error: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("cannot connect: {error}"))
}

/// Parses a URL; also returns whether the connection is encrypted.
fn settings(url: &str) -> Result<(tokio_postgres::Config, bool)> {
    let config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| unusable(&error))?;
    // The driver's default falls back to plain text if a server offers no encryption. Here it is plain text on this
    // machine and verified encryption everywhere else, unless the URL says `sslmode=disable`.
    let encrypted = match config.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => !is_this_machine(&config),
        _ => true,
    };
    Ok((config, encrypted))
}

/// Validates what a connection needs, without opening one.
pub(crate) fn check(url: &str, authorities: Option<&Path>) -> Result<()> {
    let (_, encrypted) = settings(url)?;
    if encrypted { tls(authorities).map(drop) } else { Ok(()) }
}

/// Whether every server that a URL may lead to is on this machine. `hostaddr` addresses are checked as well as names.
fn is_this_machine(config: &tokio_postgres::Config) -> bool {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let named = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    !(hosts.is_empty() && addresses.is_empty())
        && hosts.iter().all(named)
        && addresses.iter().all(std::net::IpAddr::is_loopback)
}

fn tls(authorities: Option<&Path>) -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authorities {
        let bad = |error: &dyn std::fmt::Display| Error::Database(format!("database_ca {}: {error}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))? {
            roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Database(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

const CLOCK: Sql = Sql { sqlite: "", postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)" };
const ENCODING: Sql = Sql { sqlite: "", postgres: "SHOW server_encoding" };

fn parameters<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

type Driven<T> = std::result::Result<T, tokio_postgres::Error>;

async fn query(object: &Object, sql: Sql, params: &[Value<'_>]) -> Driven<Vec<Row>> {
    let statement = object.prepare_cached(sql.postgres).await?;
    let rows = object.query(&statement, &parameters(params)).await?;
    Ok(rows.into_iter().map(|row| Row(RowKind::Postgres(row))).collect())
}

impl Connection {
    pub(crate) async fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        self.awaiting = true;
        let answer = query(in_use(self.object.as_ref())?, sql, params).await;
        self.awaiting = false;
        Ok(answer?)
    }

    pub(crate) async fn prepare(&mut self, sql: Sql) -> Result<()> {
        in_use(self.object.as_ref())?.prepare(sql.postgres).await?;
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.awaiting
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

fn in_use(object: Option<&Object>) -> Result<&Object> {
    object.ok_or_else(|| Error::Database("the connection was given back".to_owned()))
}

impl Transaction {
    fn object(&self) -> Result<&Object> {
        in_use(self.object.as_ref())
    }

    /// Remembers whether an error says that the server is read-only.
    fn noted<T>(&self, done: Driven<T>) -> Result<T> {
        done.map_err(|error| {
            if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                self.read_only.store(true, Ordering::Relaxed);
            }
            error.into()
        })
    }

    pub(crate) async fn batch(&self, text: &str) -> Result<()> {
        let done = self.object()?.batch_execute(text).await;
        self.noted(done)
    }

    /// Like [`Self::batch`], for statements that wait for a lock with a timeout: returns `false` if they did not get
    /// the lock, or only by way of a deadlock.
    pub(crate) async fn batch_unless_locked(&self, text: &str) -> Result<bool> {
        match self.object()?.batch_execute(text).await {
            Ok(()) => Ok(true),
            Err(error) => match error.code() {
                Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    pub(crate) async fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let rows = query(self.object()?, sql, params).await;
        self.noted(rows)
    }

    pub(crate) async fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64> {
        let object = self.object()?;
        let statement = object.prepare_cached(sql.postgres).await?;
        let changed = object.execute(&statement, &parameters(params)).await;
        self.noted(changed)
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.batch("COMMIT").await?;
        // Ended cleanly: the connection may return to the pool.
        drop(self.object.take());
        Ok(())
    }

    pub(crate) async fn rollback(mut self) {
        if self.batch("ROLLBACK").await.is_ok() && !self.read_only.load(Ordering::Relaxed) {
            drop(self.object.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.as_ref().to_sql(kind, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::{is_this_machine, patience_with_one};
    use std::time::Duration;

    #[test]
    fn of_several_servers_there_is_time_for_another_than_the_first() {
        for (url, milliseconds) in [
            // A name may resolve to several addresses.
            ("postgres://u@db.example.com/db", 2500),
            ("postgres://u@a.example.com,b.example.com/db", 2500),
            ("postgres://u@a,b,c,d,e/db", 1000),
            ("postgres://u@/db?hostaddr=10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4", 1250),
            ("postgres://u@a,b,c,d,e,f,g,h,i,j,k,l/db", 500),
        ] {
            assert_eq!(patience_with_one(&url.parse().unwrap()), Duration::from_millis(milliseconds), "{url}");
        }
    }

    #[test]
    fn only_what_never_leaves_this_machine_goes_in_plain_text() {
        for (url, expected) in [
            ("postgres://u@localhost/db", true),
            ("postgres://u@127.0.0.1/db", true),
            ("postgres://u@[::1]/db", true),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/db", true),
            ("postgres://u@/db?hostaddr=127.0.0.1", true),
            ("postgres://u@db.example.com/db", false),
            ("postgres://u@localhost,db.example.com/db", false),
            ("postgres://u@/db?hostaddr=10.0.0.5", false),
            ("postgres://u@localhost/db?hostaddr=10.0.0.5", false),
            ("postgres://u@/db", false),
        ] {
            assert_eq!(is_this_machine(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
