//! The state of a running server, built once in [`App::new`] and passed to handlers. There are no globals.

use crate::cache::Caches;
use crate::cache::environments::{EnvironmentState, Environments};
use crate::cache::freshness::Freshness;
use crate::client_documents::ClientDocuments;
use crate::clock::Clock;
use crate::config::Config;
use crate::dns::Dns;
use crate::domain::Failure;
use crate::entropy::Entropy;
use crate::http::downloads::Downloads;
use crate::http::rate_limit::RateLimiters;
use crate::images::uploads::Uploads;
use crate::jobs::last_used::LastUsed;
use crate::keys::keyring::Keyring;
use crate::mailer::Mailer;
use crate::operations::metrics::Metrics;
use crate::outbound::OutboundClient;
use crate::passwords::Passwords;
use countersign_protocol::id::{ClientId, EnvironmentId, TokenFamilyId};
use countersign_protocol::model::{EnvironmentApiKey, Issuer};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::introspection::StandingFamily;
use countersign_protocol::secret::Digest;
use countersign_store::{Store, application, change, environment_api_key, token_family};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a request waits for the change feed when the caches are not current.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of a running server.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// Random bytes and identifiers.
    pub entropy: Arc<Entropy>,
    /// Derived keys.
    pub keyring: Arc<Keyring>,
    /// The in-memory caches.
    pub caches: Caches,
    /// Whether the caches can be trusted.
    pub freshness: Freshness,
    /// Rate limits.
    pub limits: RateLimiters,
    /// Counters.
    pub metrics: Metrics,
    /// Last-used times of credentials that are not yet written to the database.
    pub last_used: LastUsed,
    /// The origin of the API.
    pub public_url: Issuer,
    /// The proxies whose forwarded headers are trusted.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Sends mail.
    pub mailer: Arc<Mailer>,
    /// DNS lookups.
    pub dns: Dns,
    /// Sends requests to addresses supplied by others.
    pub outbound: OutboundClient,
    /// Client metadata documents that are being fetched or that failed.
    pub documents: ClientDocuments,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Decodes uploaded images.
    pub uploads: Uploads,
    /// Tracks who is reading large responses.
    pub downloads: Downloads,
    /// Whether `/metrics` has its own listener.
    pub separate_operations: bool,
}

impl App {
    /// Builds the server state and loads what it needs before its first request.
    ///
    /// # Errors
    /// Database errors.
    pub async fn new(
        config: &Config,
        store: Store,
        keyring: Arc<Keyring>,
        clock: Clock,
        public_url: Issuer,
    ) -> countersign_store::Result<Arc<Self>> {
        let head = change::head(&mut store.reader().await?).await?;
        let entropy = Arc::new(Entropy::default());
        let app = Arc::new(Self {
            caches: Caches::new(config.cache_entries, Arc::clone(&keyring), public_url.clone(), clock.clone()),
            freshness: Freshness::new(head),
            passwords: Passwords::new(Arc::clone(&entropy)),
            mailer: Arc::clone(&config.mailer),
            entropy,
            limits: RateLimiters::new(&config.rate_limits),
            metrics: Metrics::default(),
            last_used: LastUsed::new(config.cache_entries),
            trusted_proxies: config.trusted_proxies.clone(),
            dns: Dns::new(&config.dns_servers),
            outbound: config.outbound.clone(),
            documents: ClientDocuments::default(),
            uploads: Uploads::default(),
            downloads: Downloads::default(),
            separate_operations: config.operations_listen.is_some(),
            store,
            clock,
            keyring,
            public_url,
        });
        app.freshness.catch_up(&app.store, &app.caches).await?;
        Ok(app)
    }

    /// Makes sure that the caches can be trusted: does nothing when they are current, otherwise polls the change feed
    /// once.
    ///
    /// # Errors
    /// When the caches are not current and the database cannot be reached; the request must then be answered as
    /// unavailable.
    pub async fn ensure_current(&self) -> Result<(), Failure> {
        self.ensure_current_at(Instant::now()).await
    }

    /// Like [`App::ensure_current`], with the current time passed in.
    ///
    /// # Errors
    /// As [`App::ensure_current`].
    pub async fn ensure_current_at(&self, now: Instant) -> Result<(), Failure> {
        // Boxed because it is part of every request's future but rarely runs.
        if self.freshness.is_current_at(now) { Ok(()) } else { Box::pin(self.poll()).await }
    }

    async fn poll(&self) -> Result<(), Failure> {
        let poll = self.freshness.catch_up(&self.store, &self.caches);
        match tokio::time::timeout(POLL_TIMEOUT, poll).await {
            Ok(polled) => polled.map_err(Failure::from),
            Err(_) => {
                Err(Failure::Store(countersign_store::Error::Unavailable("the change feed does not answer".to_owned())))
            }
        }
    }

    /// Applies what was just committed to this node's caches. A failure is only logged: the change stands, and the
    /// caches stop being trusted on their own if the change feed stays unreachable.
    pub async fn catch_up(&self) {
        if let Err(failure) = self.poll().await {
            tracing::warn!(%failure, "could not read the change feed");
        }
    }

    /// All environments.
    pub fn environments(&self) -> arc_swap::Guard<Arc<Environments>> {
        self.caches.environments.load()
    }

    /// Returns the client with this identifier in an environment, from the cache if it is there.
    ///
    /// # Errors
    /// Database errors.
    pub async fn client(
        &self,
        environment_id: EnvironmentId,
        client_id: ClientId,
    ) -> Result<Option<Arc<Client>>, Failure> {
        if let Some(client) = self.caches.clients.get(environment_id, client_id) {
            return Ok(Some(client));
        }
        let version = self.freshness.version();
        let mut reader = self.store.reader().await?;
        let Some(client) = application::load_client(&mut reader, environment_id, client_id).await? else {
            return Ok(None);
        };
        let client = Arc::new(client);
        self.freshness.admit(version, || self.caches.clients.insert(Arc::clone(&client)));
        Ok(Some(client))
    }

    /// Returns the client with this name in an environment, if the environment admits it. Never fetches a metadata
    /// document.
    ///
    /// # Errors
    /// Database errors.
    pub async fn client_named(
        &self,
        environment: &EnvironmentState,
        name: &ClientName<'_>,
    ) -> Result<Option<Arc<Client>>, Failure> {
        let client = self.client(environment.id(), name.id(environment.id())).await?;
        Ok(client.filter(|client| client.application.client_name() == *name && environment.admits(client)))
    }

    /// Returns a user's grant if it is still valid, from the cache if it is there.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing_grant(
        &self,
        environment_id: EnvironmentId,
        id: TokenFamilyId,
    ) -> Result<Option<StandingFamily>, Failure> {
        if let Some(grant) = self.caches.grants.get(environment_id, id) {
            return Ok(Some(grant));
        }
        let version = self.freshness.version();
        let mut reader = self.store.reader().await?;
        let grant = token_family::standing(&mut reader, environment_id, id).await?;
        if let Some(grant) = &grant {
            self.freshness.admit(version, || self.caches.grants.insert(environment_id, grant.clone()));
        }
        Ok(grant)
    }

    /// Returns the management API key with this digest, from the cache if it is there.
    ///
    /// # Errors
    /// Database errors.
    pub async fn environment_api_key(&self, digest: &Digest) -> Result<Option<Arc<EnvironmentApiKey>>, Failure> {
        if let Some(key) = self.caches.environment_api_keys.get(digest) {
            return Ok(Some(key));
        }
        let version = self.freshness.version();
        let mut reader = self.store.reader().await?;
        let Some(key) = environment_api_key::find_by_digest(&mut reader, digest).await? else {
            return Ok(None);
        };
        let key = Arc::new(key);
        self.freshness.admit(version, || self.caches.environment_api_keys.insert(digest, Arc::clone(&key)));
        Ok(Some(key))
    }
}
