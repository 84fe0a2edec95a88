//! A server inside the test process: the real router on a free port, with a movable clock.

use super::{Backend, Client, Database};
use countersign::app::App;
use countersign::cli::serve::service;
use countersign::clock::Clock;
use countersign::config::Config;
use countersign::config::source::Sources;
use countersign::http::server;
use countersign::installation::{Installation, Invite};
use countersign::outbound::Names;
use countersign::{jobs, router};
use countersign_protocol::model::Issuer;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A running server with a fresh database and one environment.
pub struct TestServer {
    /// `http://localhost:<port>`.
    pub base_url: String,
    /// The environment's API key.
    pub api_key: String,
    /// The dashboard link shown on first start.
    pub staff_link: Option<String>,
    /// The client ID of the environment's own application.
    pub client_id: String,
    /// The clock, which tests can move.
    pub clock: Clock,
    /// The server's state, for jobs that a test runs itself.
    pub app: Arc<App>,
    /// The host name shared by the servers of this installation.
    host: String,
    /// The public URL with that host.
    public_url: String,
    stop: watch::Sender<bool>,
    /// Kept until the server is gone.
    pub database: Arc<Database>,
}

impl TestServer {
    /// Starts a server; `None` when this database engine is not available.
    pub async fn start(backend: Backend) -> Option<Self> {
        Self::start_with(backend, &[]).await
    }

    /// Starts a server with settings.
    pub async fn start_with(backend: Backend, settings: &[(&'static str, &str)]) -> Option<Self> {
        let database = Arc::new(Database::fresh(backend).await?);
        Some(Self::node(database, settings, None).await)
    }

    /// Starts a server with settings and its own name resolution.
    pub async fn start_knowing(backend: Backend, settings: &[(&'static str, &str)], names: Names) -> Option<Self> {
        let database = Arc::new(Database::fresh(backend).await?);
        Some(Self::node(database, settings, Some(names)).await)
    }

    /// Starts another server on the same database.
    pub async fn another_node(&self) -> Self {
        self.another_node_with(&[]).await
    }

    /// Starts another server on the same database, with settings.
    pub async fn another_node_with(&self, settings: &[(&'static str, &str)]) -> Self {
        self.another_node_knowing(settings, None).await
    }

    /// Like [`TestServer::another_node_with`], with its own name resolution.
    pub async fn another_node_knowing(&self, settings: &[(&'static str, &str)], names: Option<Names>) -> Self {
        let settings = [&[("public_url", self.public_url.as_str())], settings].concat();
        let mut node = Self::node(Arc::clone(&self.database), &settings, names).await;
        node.api_key.clone_from(&self.api_key);
        node
    }

    async fn node(database: Arc<Database>, settings: &[(&'static str, &str)], names: Option<Names>) -> Self {
        let mut flags = vec![
            ("data", database.directory.path().join("data").to_str().unwrap().to_owned()),
            ("database", database.url.clone()),
            ("database_connections", "6".to_owned()),
            ("rate_limit_failures", "0".to_owned()),
            // Nothing responds there: no test queries public name servers.
            ("dns_servers", "127.0.0.1:9".to_owned()),
        ];
        flags.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let mut config = Config::load(&Sources::collect(flags, [], None).unwrap()).unwrap();
        if let Some(names) = names {
            config.outbound = config.outbound.with_names(names);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let own_url = Issuer::parse(&format!("http://localhost:{port}")).unwrap();
        let public_url = config.public_url.clone().unwrap_or_else(|| own_url.clone());
        let installation = Installation::open(&config, Clock::default()).await.unwrap();
        let first = installation.ensure_environment(&public_url).await.unwrap();
        let staff_link = installation.ensure_staff(&public_url, Invite::Always).await.unwrap().link;
        let clock = installation.clock.clone();
        let app = App::new(&config, installation.store, installation.keyring, clock.clone(), public_url.clone())
            .await
            .unwrap();
        let (stop, stopped) = watch::channel(false);
        let mut jobs = jobs::start(&app, config.key_rotation_days, &stopped);
        let service = service(&app, router::routes(), public_url.is_https()).unwrap();
        tokio::spawn(async move {
            server::serve(listener, None, service, stopped, Duration::from_secs(1)).await;
            while jobs.join_next().await.is_some() {}
        });
        Self {
            base_url: own_url.as_str().to_owned(),
            staff_link,
            api_key: first.api_key.map(|key| key.expose().to_owned()).unwrap_or_default(),
            client_id: first.environment.client_id.to_string(),
            clock,
            app,
            host: public_url.authority().to_owned(),
            public_url: public_url.as_str().to_owned(),
            stop,
            database,
        }
    }

    /// Returns a client with the environment's API key.
    pub fn management(&self) -> Client {
        self.anonymous().with_key(&self.api_key)
    }

    /// Stops the server as dropping it does, but keeps its state for inspection.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Returns a client without credentials.
    pub fn anonymous(&self) -> Client {
        let client = Client::new(&self.base_url);
        // A node behind a load balancer is connected to at its own address, with the installation's `Host` header.
        if self.base_url.ends_with(&self.host) { client } else { client.with_host(&self.host) }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
    }
}
