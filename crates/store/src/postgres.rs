//! PostgreSQL: pooled connections, transactions at `READ COMMITTED`.

use crate::error::{Error, Result};
use crate::sql::{Row, RowKind, Sql, Value};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);
/// What each connection asks of the server. A transaction that stands still belongs to a node that is gone, and holds what all
/// others wait for; by the system's own settings the server would notice in two hours.
const SESSION: &str = "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=20s \
                       -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";
/// How long the driver lets a silent connection be, unless the URL says so.
const DRIVERS_SILENCE: Duration = Duration::from_secs(2 * 60 * 60);

pub(crate) struct Postgres {
    pool: Pool,
    feed: Pool,
}

pub(crate) struct Connection {
    object: Object,
}

/// A transaction. Dropped before its end (its caller went away), it closes the connection, which rolls it back: a
/// connection in the middle of a transaction never returns to the pool.
pub(crate) struct Transaction {
    object: Option<Object>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, connections: usize, authorities: Option<&Path>) -> Result<Self> {
        let (mut config, encrypted) = settings(url)?;
        config
            .ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable })
            .connect_timeout(WAIT)
            .tcp_user_timeout(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("countersign");
        }
        // The other way round: a server that is gone while an answer is waited for.
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
        // Reached now, so that a wrong URL is an error of this call.
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

    pub(crate) async fn feed_connection(&self) -> Result<Connection> {
        Self::take(&self.feed).await
    }

    async fn take(pool: &Pool) -> Result<Connection> {
        let object = pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Error::from(error),
            other => Error::Unavailable(other.to_string()),
        })?;
        Ok(Connection { object })
    }

    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let Connection { object } = self.connection().await?;
        let transaction = Transaction { object: Some(object) };
        transaction.batch("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        Ok(transaction)
    }

    /// A transaction that may take its time: for migrations.
    pub(crate) async fn begin_without_timeout(&self) -> Result<Transaction> {
        let transaction = self.begin().await?;
        transaction.batch("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
        Ok(transaction)
    }
}

fn unusable(error: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("cannot connect: {error}"))
}

/// What a URL says, and whether the connection is encrypted.
fn settings(url: &str) -> Result<(tokio_postgres::Config, bool)> {
    let config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| unusable(&error))?;
    // The driver's default falls back to plain text when a server offers no encryption. Here it is plain text on
    // this machine, and verified encryption everywhere else, unless the URL says `sslmode=disable`.
    let encrypted = match config.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => !is_this_machine(&config),
        _ => true,
    };
    Ok((config, encrypted))
}

/// Reads what a connection needs, without making one.
pub(crate) fn check(url: &str, authorities: Option<&Path>) -> Result<()> {
    let (_, encrypted) = settings(url)?;
    if encrypted { tls(authorities).map(drop) } else { Ok(()) }
}

/// Whether every server that a URL may lead to is on this machine. An address counts more than the name beside it.
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

const ENCODING: Sql = Sql { sqlite: "", postgres: "SHOW server_encoding" };

fn parameters<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

async fn query(object: &Object, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
    let statement = object.prepare_cached(sql.postgres).await?;
    let rows = object.query(&statement, &parameters(params)).await?;
    Ok(rows.into_iter().map(|row| Row(RowKind::Postgres(row))).collect())
}

impl Connection {
    pub(crate) async fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        query(&self.object, sql, params).await
    }

    pub(crate) async fn prepare(&mut self, sql: Sql) -> Result<()> {
        self.object.prepare(sql.postgres).await?;
        Ok(())
    }
}

impl Transaction {
    fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or_else(|| Error::Database("the transaction has ended".to_owned()))
    }

    pub(crate) async fn batch(&self, text: &str) -> Result<()> {
        Ok(self.object()?.batch_execute(text).await?)
    }

    /// The same for statements that wait for a lock for as long as they are told to: `false` when they did not get it, or not
    /// without somebody else's losing theirs.
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
        query(self.object()?, sql, params).await
    }

    pub(crate) async fn execute(&mut self, sql: Sql, params: &[Value<'_>]) -> Result<u64> {
        let object = self.object()?;
        let statement = object.prepare_cached(sql.postgres).await?;
        Ok(object.execute(&statement, &parameters(params)).await?)
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.batch("COMMIT").await?;
        // Ended well: the connection may go back to the pool.
        drop(self.object.take());
        Ok(())
    }

    pub(crate) async fn rollback(mut self) {
        if self.batch("ROLLBACK").await.is_ok() {
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
    use super::is_this_machine;

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
