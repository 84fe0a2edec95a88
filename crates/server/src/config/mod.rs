//! Configuration: one table of settings ([`settings`]), four sources ([`source`]), one value ([`Config`]).
//!
//! Precedence: flag, environment variable, file, default. Only this folder reads the environment.

pub mod settings;
pub mod source;

use crate::mailer::{Mailer, Sending};
use crate::outbound::OutboundClient;
use countersign_protocol::model::Issuer;
use countersign_protocol::secret::Secret;
use countersign_store::Location;
use source::Sources;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A configuration error. The message says what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// A file, created on first start unless its path was given explicitly.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether it is the default path in the data directory, where it may be created.
        may_create: bool,
    },
    /// The environment variable.
    Value(Secret),
    /// The standard output of a command.
    Command(String),
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object per line.
    Json,
}

/// Certificate and key for TLS.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

/// Requests per minute; 0 means no limit.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Per environment API key.
    pub management: u32,
    /// Per client at the OAuth endpoints.
    pub client: u32,
    /// Failed authentications per address.
    pub failures: u32,
}

/// The configuration of a process.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The database.
    pub database: Location,
    /// The API origin, and the issuer of the default environment. `None` until the listening port is known.
    pub public_url: Option<Issuer>,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// TLS, if this process terminates it.
    pub tls: Option<TlsFiles>,
    /// The proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// How email is sent.
    pub mailer: Arc<Mailer>,
    /// The name servers to use; empty means the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// The client for requests to addresses supplied by others.
    pub outbound: OutboundClient,
    /// A separate listener for `/metrics`, `/healthz` and `/readyz`.
    pub operations_listen: Option<SocketAddr>,
    /// The log filter, in the syntax of `tracing`.
    pub log_level: String,
    /// The log format.
    pub log_format: LogFormat,
    /// Worker threads; 0 means one per core.
    pub threads: usize,
    /// Entries per cache.
    pub cache_entries: usize,
    /// Rate limits.
    pub rate_limits: RateLimits,
    /// Days between rotations of signing keys; 0 disables automatic rotation.
    pub key_rotation_days: u32,
    /// How long in-flight requests may take to finish at shutdown, in seconds.
    pub shutdown_seconds: u64,
}

impl Config {
    /// Reads the configuration from its sources.
    ///
    /// # Errors
    /// The first error found, with the origin of the value.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let data: PathBuf = sources.text("data").into();
        let tls = match (sources.optional("tls_certificate"), sources.optional("tls_key")) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
            (None, None) => None,
            (Some(_), None) => return Err(ConfigError("tls_certificate is set and tls_key is not; set both.".into())),
            (None, Some(_)) => return Err(ConfigError("tls_key is set and tls_certificate is not; set both.".into())),
        };
        let public_url: Option<Issuer> = sources.parse_optional("public_url", |text| {
            Issuer::parse(text.trim_end_matches('/')).map_err(|error| error.to_string())
        })?;
        if tls.is_some() && public_url.as_ref().is_some_and(|url| !url.is_https()) {
            return Err(ConfigError("TLS is configured, so public_url must begin with https://.".into()));
        }
        let mailer = Arc::new(mailer(sources, public_url.as_ref())?);
        Ok(Self {
            listen: sources
                .parse("listen", |text| text.parse().map_err(|_| "not an address such as 127.0.0.1:8080".to_owned()))?,
            database: database(sources, &data)?,
            public_url,
            master_key: master_key(sources, &data)?,
            tls,
            trusted_proxies: sources.parse("trusted_proxies", |text| {
                text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(network).collect()
            })?,
            mailer,
            dns_servers: sources.parse("dns_servers", |text| {
                text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(name_server).collect()
            })?,
            outbound: outbound(sources)?,
            operations_listen: sources.parse_optional("operations_listen", |text| {
                text.parse().map_err(|_| "not an address such as 127.0.0.1:9090".to_owned())
            })?,
            log_level: sources.parse("log_level", crate::logging::read_level)?,
            log_format: sources.parse("log_format", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("must be 'text' or 'json'".to_owned()),
            })?,
            threads: sources.number("threads", 0, 1024)? as usize,
            cache_entries: sources.number("cache_entries", 100, 10_000_000)? as usize,
            rate_limits: RateLimits {
                management: sources.number("rate_limit_management", 0, u32::MAX)?,
                client: sources.number("rate_limit_client", 0, u32::MAX)?,
                failures: sources.number("rate_limit_failures", 0, u32::MAX)?,
            },
            key_rotation_days: sources.number("key_rotation_days", 0, 3650)?,
            shutdown_seconds: sources.number("shutdown_seconds", 0, 3600)?.into(),
            data,
        })
    }

    /// Returns the public URL, or localhost with the port actually listened on.
    ///
    /// # Errors
    /// None for a port; the result type is needed because an issuer is parsed.
    pub fn public_url_or_local(&self, port: u16) -> Result<Issuer, ConfigError> {
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => {
                let scheme = if self.tls.is_some() { "https" } else { "http" };
                Issuer::parse(&format!("{scheme}://localhost:{port}"))
                    .map_err(|error| ConfigError(format!("public_url {error}")))
            }
        }
    }
}

fn mailer(sources: &Sources, public_url: Option<&Issuer>) -> Result<Mailer, ConfigError> {
    let (url, from) = (sources.optional("smtp_url"), sources.optional("mail_from"));
    let (us, authorities) = (public_url.map_or("localhost", Issuer::host), sources.optional("smtp_ca"));
    let (url, from, authorities) = (url.as_deref(), from.as_deref(), authorities.as_deref().map(Path::new));
    Mailer::new(Sending { url, from, us, authorities }).map_err(ConfigError)
}

fn outbound(sources: &Sources) -> Result<OutboundClient, ConfigError> {
    let allowed: Vec<ipnet::IpNet> = sources.parse("outbound_allow", |text| {
        text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(network).collect()
    })?;
    let authorities = sources.optional("outbound_ca").map(PathBuf::from);
    OutboundClient::new(&allowed, authorities.as_deref()).map_err(ConfigError)
}

fn name_server(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| format!("'{text}' is not an address such as 10.0.0.2 or 10.0.0.2:53"))
}

fn network(text: &str) -> Result<ipnet::IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
        .map_err(|_| format!("'{text}' is not an address or a network such as 10.0.0.0/8"))
}

fn database(sources: &Sources, data: &Path) -> Result<Location, ConfigError> {
    let text = sources.text("database");
    if text == "sqlite" {
        return Ok(Location::Sqlite(data.join("countersign.db")));
    }
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(ConfigError(format!(
            "database ({}) must be 'sqlite' or a URL that begins with postgres://.",
            sources.origin("database")
        )));
    }
    Ok(Location::Postgres {
        url: text,
        connections: sources.number("database_connections", 2, 10_000)? as usize,
        authorities: sources.optional("database_ca").map(PathBuf::from),
    })
}

fn master_key(sources: &Sources, data: &Path) -> Result<MasterKeySource, ConfigError> {
    let file = sources.optional("master_key_file");
    let value = sources.optional("master_key");
    let command = sources.optional("master_key_command");
    match (file, value, command) {
        (None, None, None) => Ok(MasterKeySource::File { path: data.join("master.key"), may_create: true }),
        (Some(path), None, None) => Ok(MasterKeySource::File { path: path.into(), may_create: false }),
        (None, Some(value), None) => Ok(MasterKeySource::Value(Secret::new(value))),
        (None, None, Some(command)) => Ok(MasterKeySource::Command(command)),
        _ => Err(ConfigError(
            "Set one of master_key_file, COUNTERSIGN_MASTER_KEY and master_key_command, not several.".into(),
        )),
    }
}
