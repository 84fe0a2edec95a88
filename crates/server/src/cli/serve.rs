//! `countersign serve`: opens the installation, listens, and serves until stopped.

use super::{CommandResult, init, say};
use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::connections;
use crate::http::routes::{Routes, request_ids};
use crate::http::server::{self, Service};
use crate::installation::Installation;
use crate::operations::open_files;
use crate::{jobs, router};
use countersign_protocol::model::EnvironmentKind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The number of open files a server at full load needs: connections, database, and logs.
const FILES: u64 = connections::IN_ALL as u64 + 500;

pub(super) async fn run(config: Config) -> CommandResult {
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!("Cannot listen on {}: {error}. Choose another address with --listen.", config.listen)
    })?;
    let address = listener.local_addr()?;
    let public_url = config.public_url_or_local(address.port())?;
    let operations_listener = match config.operations_listen {
        Some(address) => Some(
            TcpListener::bind(address)
                .await
                .map_err(|error| format!("Cannot listen on {address} (operations_listen): {error}."))?,
        ),
        None => None,
    };
    open_files::raise_limit(FILES);
    let tls = config.tls.as_ref().map(server::tls_acceptor).transpose()?;
    let installation = Installation::open(&config, Clock::default()).await?;
    let first = installation.ensure_environment(&public_url).await?;
    // Print the key right away: it is stored only as a digest, and a later failure must not lose it.
    if first.api_key.is_some() {
        say(init::welcome(public_url.as_str(), &first))?;
    }
    let staff = installation.ensure_staff(&public_url, init::invite()).await?;
    if let Some(said) = init::invitation(&staff) {
        say(said)?;
    }
    if config.public_url.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "public_url is not set: this server answers to the name localhost only, over plain http");
    }
    let engine = installation.store.engine_name();
    let app =
        App::new(&config, installation.store, installation.keyring, installation.clock, public_url.clone()).await?;

    let (stop, stopped) = watch::channel(false);
    let drain = Duration::from_secs(config.shutdown_seconds);
    let mut listeners = JoinSet::new();
    let service = service(&app, router::routes(), public_url.is_https())?;
    listeners.spawn(server::serve(listener, tls, service, stopped.clone(), drain));
    if let Some(listener) = operations_listener {
        listeners.spawn(server::serve(listener, None, service_for_operator(&app)?, stopped.clone(), drain));
    }
    let mut jobs = jobs::start(&app, config.key_rotation_days, &stopped);

    if first.environment.issuer != public_url {
        tracing::info!(
            issuer = %first.environment.issuer,
            %public_url,
            "the default environment keeps the issuer it was created with; this process serves the API under its public_url"
        );
    }
    let production = |state: &&Arc<EnvironmentState>| state.environment.kind == EnvironmentKind::Production;
    if config.mailer.keeps() && app.environments().products().iter().any(production) {
        tracing::warn!("smtp_url is not set: nobody in a production environment receives codes, links or invitations");
    }
    tracing::info!(%address, %public_url, database = engine, version = env!("CARGO_PKG_VERSION"), "serving");

    signal().await?;
    tracing::info!("stopping: no new connections, requests in flight may finish");
    let _ = stop.send(true);
    while listeners.join_next().await.is_some() {}
    // Give up on jobs that are still waiting for an external server; the next process resumes their work.
    if tokio::time::timeout(jobs::FAREWELL, async { while jobs.join_next().await.is_some() {} }).await.is_err() {
        tracing::info!("some background jobs were interrupted and will continue at the next start");
    }
    jobs.abort_all();
    // Write the last-used times collected since the last run.
    let _ = tokio::time::timeout(jobs::FAREWELL, jobs::last_used::run(Arc::clone(&app))).await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Why a listener cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// Random bytes cannot be obtained.
    #[error(transparent)]
    Entropy(#[from] crate::entropy::NoEntropy),
    /// The route table has conflicting routes.
    #[error("route table: {0}")]
    Routes(#[from] matchit::InsertError),
}

/// Returns the service of the main listener.
///
/// # Errors
/// See [`CannotServe`].
pub fn service(app: &Arc<App>, routes: Routes, require_encryption: bool) -> Result<Arc<Service>, CannotServe> {
    Ok(Arc::new(Service {
        app: Arc::clone(app),
        dispatcher: routes.into_dispatcher()?,
        request_ids: request_ids(app)?,
        require_encryption,
    }))
}

fn service_for_operator(app: &Arc<App>) -> Result<Arc<Service>, CannotServe> {
    service(app, router::operations_routes(), false)
}

/// Waits for SIGTERM or SIGINT; a second signal ends the process immediately.
pub(super) async fn signal() -> Result<(), std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}
