//! The accept loop: plain or TLS, with bounds on what a stranger may hold open, and a shutdown that lets requests finish.

use crate::app::App;
use crate::http::body::IncomingBody;
use crate::http::connection_activity::{Conversation, IDLE_TIMEOUT, Verdict};
use crate::http::connections::{self, Places, Refused};
use crate::http::dispatch::Dispatcher;
use crate::http::error;
use crate::http::peer::Peer;
use crate::http::request_id::RequestIds;
use crate::http::routes::finish;
use crate::http::streamed::AnswerBody;
use crate::http::write_timeout::{self, WriteTimeout};
use crate::operations::open_files;
use countersign_protocol::management::error::ApiError;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new connection may take until its first request head is complete.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a connection that carries several requests at once is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often the operator is told that connections are turned away.
const TELLING: Duration = Duration::from_secs(60);
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
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_buf_size(HEAD_LIMIT).max_headers(64);
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
    let places = Places::new(connections::IN_ALL, connections::FROM_ONE_ADDRESS, service.app.trusted_proxies.clone());
    let mut refusals = Refusals::default();
    // Closed when the last connection has ended.
    let (open, connected) = watch::channel(());
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
                if open_files::is_exhausted(&error) {
                    refusals.note(&service.app, Refused::NoMoreFiles, None);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        // At the bound the connection is closed at once: a clear answer beats an endless queue.
        let place = match places.take(address.ip()) {
            Ok(place) => place,
            Err(reason) => {
                refusals.note(&service.app, reason, Some(address));
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (service, builder, tls) = (Arc::clone(&service), Arc::clone(&builder), tls.clone());
        let (mut stop, connected) = (stop.clone(), connected.clone());
        tokio::spawn(async move {
            let _held = (place, connected);
            let Some(acceptor) = tls else { return converse(stream, address, false, service, &builder, stop).await };
            let shaken = tokio::select! {
                shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)) => shaken,
                // Nothing was asked yet.
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match shaken {
                Ok(Ok(stream)) => converse(stream, address, true, service, &builder, stop).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
    drop((listener, connected));
    if tokio::time::timeout(drain, open.closed()).await.is_err() {
        tracing::warn!("requests were still in flight when the time for them was over");
    }
}

/// Connections that were turned away. The operator is told now and then: they may be many.
#[derive(Debug, Default)]
struct Refusals {
    told: Option<Instant>,
}

impl Refusals {
    fn note(&mut self, app: &App, reason: Refused, address: Option<SocketAddr>) {
        app.metrics.connection_refused(reason);
        let now = Instant::now();
        if self.told.is_some_and(|told| now < told + TELLING) {
            return;
        }
        self.told = Some(now);
        let advice = match reason {
            Refused::AllTaken => "this listener has all the connections it can have",
            Refused::AddressHasAll => {
                "one address has all the connections it may have; if it is a proxy, name it in trusted_proxies"
            }
            Refused::NoMoreFiles => "the system allows no more open files; raise the limit (ulimit -n, LimitNOFILE)",
        };
        let address = address.map(|address| address.ip().to_string());
        tracing::warn!(?reason, address, "connections are turned away: {advice}");
    }
}

async fn converse<S>(
    stream: S,
    address: SocketAddr,
    tls: bool,
    service: Arc<Service>,
    builder: &Builder<TokioExecutor>,
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    carry(stream, builder, stop, move |request| respond(Arc::clone(&service), address, tls, request)).await;
}

/// Answers the requests of a connection until it ends, which it does when it is stuck, idle or told to stop.
async fn carry<S, F>(
    stream: S,
    builder: &Builder<TokioExecutor>,
    mut stop: watch::Receiver<bool>,
    respond: impl Fn(Request<IncomingBody>) -> F + Send + 'static,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<AnswerBody>> + Send + 'static,
{
    let conversation = Arc::new(Conversation::default());
    let heard = Arc::clone(&conversation);
    let respond = hyper::service::service_fn(move |request: Request<Incoming>| {
        let exchange = heard.begin(request.version());
        let responding = respond(IncomingBody::of(request));
        async move {
            let response = responding.await;
            Ok::<_, Infallible>(match exchange {
                None => response,
                Some(exchange) => response.map(|body| body.of(exchange)),
            })
        }
    });
    let connection = builder.serve_connection(TokioIo::new(WriteTimeout::new(stream, write_timeout::TIMEOUT)), respond);
    let mut connection = std::pin::pin!(connection.into_owned());
    let mut stopped = std::pin::pin!(stop.wait_for(|stop| *stop));
    // A client that sends nothing, or never finishes the head of its first request, holds a place that another could
    // use: its connection is ended.
    let mut look = std::pin::pin!(tokio::time::sleep(FIRST_REQUEST_TIMEOUT));
    let (mut looks, mut ends) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            _ = stopped.as_mut(), if !ends => {
                ends = true;
                connection.as_mut().graceful_shutdown();
            }
            () = look.as_mut(), if looks => match conversation.verdict(Instant::now()) {
                Verdict::Silent => {
                    tracing::debug!("a connection without a request was closed");
                    return;
                }
                Verdict::Stuck => {
                    tracing::debug!("a connection on which answers are not taken was closed");
                    return;
                }
                Verdict::OneAtATime => looks = false,
                // It has been told, and had the time to hang up.
                Verdict::Idle if ends => return,
                // What is taken is finished first; what else is to be asked is asked on another connection.
                Verdict::Idle | Verdict::PartlyStuck if !ends => {
                    ends = true;
                    connection.as_mut().graceful_shutdown();
                    look.as_mut().reset(Instant::now() + LOOK);
                }
                Verdict::Idle | Verdict::PartlyStuck | Verdict::InUse => look.as_mut().reset(Instant::now() + LOOK),
            },
        }
    }
}

async fn respond(
    service: Arc<Service>,
    address: SocketAddr,
    tls: bool,
    request: Request<IncomingBody>,
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
        .then(|| (request.method().clone(), service.dispatcher.shown(request.uri().path())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// A frame of HTTP/2 (RFC 9113 §4.1).
    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, stream];
        frame.extend_from_slice(payload);
        frame
    }

    /// The beginning of a connection over HTTP/2 whose client takes so many bytes of each answer.
    fn preface(window: u32) -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let [a, b, c, d] = window.to_be_bytes();
        bytes.extend(frame(4, 0, 0, &[0, 4, a, b, c, d]));
        bytes
    }

    /// `GET http://x/`, by the static table of RFC 7541.
    fn get(stream: u8) -> Vec<u8> {
        frame(1, 5, stream, &[0x82, 0x84, 0x86, 0x41, 1, b'x'])
    }

    /// Talks to a server that answers everything with so many bytes, and gives when it closes the connection. Whenever it asks
    /// whether the client is there (`PING`), the client says so.
    async fn seconds_until_closed(said: Vec<u8>, answer: usize) -> u64 {
        let (ours, mut theirs) = duplex(64 * 1024);
        let (_stop, stopped) = watch::channel(false);
        let began = Instant::now();
        let serving = tokio::spawn(async move {
            let builder = connection_builder();
            carry(ours, &builder, stopped, move |_| async move {
                Response::new(AnswerBody::whole(Bytes::from(vec![b'x'; answer])))
            })
            .await;
        });
        theirs.write_all(&said).await.unwrap();
        let mut head = [0; 9];
        while theirs.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            theirs.read_exact(&mut payload).await.unwrap();
            if (head[3], head[4]) == (6, 0) {
                let _ = theirs.write_all(&frame(6, 1, 0, &payload)).await;
            }
        }
        serving.await.unwrap();
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_not_taken_end_the_connection() {
        for (window, answer) in [(0, 8 * 1024), (1, 8 * 1024), (7 * 1024, 8 * 1024), (0, 100), (16 * 1024, 64 * 1024)] {
            let said: Vec<u8> = [preface(window), get(1), get(3), get(5)].concat();
            let seconds = seconds_until_closed(said, answer).await;
            assert!((55..=75).contains(&seconds), "{window} of {answer}: {seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_is_asked_any_more_is_closed() {
        // The last answer was taken, or is so short that it counts as taken.
        for (window, answer) in [(64 * 1024, 8 * 1024), (1, 100)] {
            let said: Vec<u8> = [preface(window), get(1)].concat();
            let seconds = seconds_until_closed(said, answer).await;
            assert!((75..=95).contains(&seconds), "{window} of {answer}: {seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_nothing_is_not_waited_for() {
        assert_eq!(seconds_until_closed(Vec::new(), 1).await, 10);
        assert_eq!(seconds_until_closed(b"GET / HT".to_vec(), 1).await, 10);
    }
}
