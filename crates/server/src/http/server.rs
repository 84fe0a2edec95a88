//! The accept loop: plain or TLS, with bounds on what a stranger may hold open, and a shutdown that lets requests finish.

use crate::app::App;
use crate::http::connections::{self, Places};
use crate::http::dispatch::Dispatcher;
use crate::http::error;
use crate::http::patient::{self, Patient};
use crate::http::peer::Peer;
use crate::http::request_id::RequestIds;
use crate::http::routes::finish;
use crate::http::streamed::AnswerBody;
use countersign_protocol::management::error::ApiError;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may wait between requests, and a request head may take to arrive: longer than the 60 seconds
/// for which the usual load balancers keep a connection, so that it is never we who close one that they are about to use.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);
/// How long a new connection may take until its first request head is complete.
const FIRST_REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// Largest request head, and read buffer, of an HTTP/1 connection.
const HEAD_LIMIT: usize = 64 * 1024;

/// What a listener serves.
#[derive(Debug)]
pub struct Service {
    /// The server.
    pub app: Arc<App>,
    /// Its routes.
    pub dispatcher: Dispatcher,
    /// Names for requests.
    pub request_ids: RequestIds,
    /// Whether requests that came in plain text are refused.
    pub require_encryption: bool,
}

/// Bounds on HTTP connections, as every listener has them.
pub fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_PATIENCE)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(64);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(16 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Serves a listener until `stop` becomes true, then lets requests in flight finish, for so long at most.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let builder = Arc::new(connection_builder());
    let graceful = GracefulShutdown::new();
    let places = Places::new(connections::IN_ALL, connections::FROM_ONE_ADDRESS, service.app.trusted_proxies.clone());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => Some(accepted),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(accepted) = accepted else { break };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the caller went away: neither ends the server.
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        // At the bound the connection is closed at once: a clear answer beats an endless queue.
        let Some(place) = places.take(address.ip()) else { continue };
        let _ = stream.set_nodelay(true);
        let (service, builder, tls) = (Arc::clone(&service), Arc::clone(&builder), tls.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => converse(stream, address, false, service, &builder, watcher).await,
                Some(acceptor) => match tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, address, true, service, &builder, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                },
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the time for them was over");
    }
}

async fn converse<S>(
    stream: S,
    address: SocketAddr,
    tls: bool,
    service: Arc<Service>,
    builder: &Builder<TokioExecutor>,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spoken = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&spoken);
    let respond = hyper::service::service_fn(move |request: Request<Incoming>| {
        spoken.store(true, Ordering::Relaxed);
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(respond(service, address, tls, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(Patient::new(stream, patient::PATIENCE)), respond);
    let mut conversation = std::pin::pin!(watcher.watch(connection.into_owned()));
    let ended = tokio::select! {
        ended = &mut conversation => ended,
        // Whoever connects has something to say. One that says nothing, or never finishes its first head, holds a place
        // that somebody else could use; from its first request on the bounds of HTTP itself apply.
        () = tokio::time::sleep(FIRST_REQUEST_PATIENCE) => {
            if !heard.load(Ordering::Relaxed) {
                tracing::debug!("a connection without a request was closed");
                return;
            }
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(
    service: Arc<Service>,
    address: SocketAddr,
    tls: bool,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let id = service.request_ids.next();
    let peer = Peer::settle(address, tls, request.headers(), &service.app.trusted_proxies);
    if service.require_encryption
        && !peer.encrypted
        && !matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics")
    {
        let refused = ApiError::Forbidden {
            code: "https_required",
            message: "This server is reached over https. Behind a proxy: set trusted_proxies, and let the proxy send X-Forwarded-Proto.".to_owned(),
        };
        return finish(error::api(&refused).into_response(), id, false);
    }
    let (method, path) = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned()))
        .unzip();
    let response = service.dispatcher.answer(&service.app, peer, request, id.clone()).await;
    if let (Some(method), Some(path)) = (method, path) {
        tracing::debug!(request_id = ?id, %method, path, status = response.status().as_u16(), "answered");
    } else if response.status().is_server_error() {
        tracing::warn!(request_id = ?id, status = response.status().as_u16(), "answered with an error of ours");
    }
    finish(response, id, peer.encrypted)
}

/// TLS from certificate files.
///
/// # Errors
/// When they cannot be read or do not belong together; the text is for the operator.
pub fn tls_acceptor(files: &crate::config::TlsFiles) -> Result<TlsAcceptor, String> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let name = |path: &std::path::Path| path.display().to_string();
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("tls_certificate {}: {error}", name(&files.certificate)))?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| format!("tls_key {}: {error}", name(&files.key)))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| format!("tls_certificate and tls_key: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
