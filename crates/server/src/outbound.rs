//! The only client for requests to addresses supplied by others. It is deliberately minimal, so that what it cannot do
//! is obvious: no redirects, proxies, compression, or cookies, and one request per connection. It connects only to the
//! addresses that were checked, so a name cannot change its resolution in between (DNS rebinding).

use bytes::{Bytes, BytesMut};
use countersign_protocol::outbound::{Reach, Target};
use http::header::{CONTENT_ENCODING, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long establishing a connection may take, per address.
const CONNECT: Duration = Duration::from_secs(3);
/// How long reading the body may take when only the status matters.
const GLANCE: Duration = Duration::from_secs(1);
/// How many of a name's addresses are tried.
const ADDRESSES: usize = 4;
/// The maximum size of response headers, in bytes.
const HEADERS: usize = 16 * 1024;

/// The limits on a response.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The total time it may take.
    pub time: Duration,
    /// The maximum body size in bytes.
    pub bytes: usize,
}

/// Why a request got no response. For the operator's log, not for outsiders.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Name(String),
    /// The name resolves to an address that requests may not go to.
    #[error("the name stands for {0}, an address that requests may not go to (see outbound_allow)")]
    Forbidden(IpAddr),
    /// The connection failed.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The response is not valid HTTP or is incomplete.
    #[error("not a good answer: {0}")]
    Answer(String),
    /// The response is longer than allowed.
    #[error("the answer is too long")]
    TooLong,
    /// The response took longer than allowed.
    #[error("no answer in time")]
    TooSlow,
}

/// Resolves a name to addresses.
pub type Names = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// An HTTP client for outbound requests.
#[derive(Clone)]
pub struct OutboundClient {
    tls: TlsConnector,
    allowed: Vec<ipnet::IpNet>,
    /// Used instead of the system's resolver.
    names: Option<Names>,
}

impl std::fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundClient").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl OutboundClient {
    /// Creates a client that may also reach these networks, and that trusts these certificates (PEM) in addition to the
    /// public ones.
    ///
    /// # Errors
    /// What is wrong with the file, for the operator.
    pub fn new(allowed: &[ipnet::IpNet], authorities: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = authorities {
            let unreadable = |error: &dyn std::fmt::Display| format!("outbound_ca: {}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(tls)), allowed: allowed.to_vec(), names: None })
    }

    /// Returns the same client with its own name resolver instead of the system's; for tests, whose names do not exist.
    #[must_use]
    pub fn with_names(self, names: Names) -> Self {
        Self { names: Some(names), ..self }
    }

    /// Sends a request and reads the whole response, whatever its status. Redirects are returned, not followed.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn send(
        &self,
        target: &Target,
        reach: Reach,
        request: Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let exchange = Box::pin(self.exchange(target, reach, request, Reading::Whole { longest: limits.bytes }));
        tokio::time::timeout(limits.time, exchange).await.unwrap_or(Err(OutboundError::TooSlow))
    }

    /// Sends a request of whose response only the status matters: reads just the beginning of the body, for a short
    /// time.
    ///
    /// # Errors
    /// See [`OutboundError`]; none is about the body.
    pub async fn tell(
        &self,
        target: &Target,
        reach: Reach,
        request: Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<Response<Bytes>, OutboundError> {
        let exchange = Box::pin(self.exchange(target, reach, request, Reading::Beginning { longest: limits.bytes }));
        tokio::time::timeout(limits.time, exchange).await.unwrap_or(Err(OutboundError::TooSlow))
    }

    async fn exchange(
        &self,
        target: &Target,
        reach: Reach,
        mut request: Request<Full<Bytes>>,
        reading: Reading,
    ) -> Result<Response<Bytes>, OutboundError> {
        let unwritable = |_| OutboundError::Connect("the URL cannot be written in a request".to_owned());
        *request.uri_mut() = target.path_and_query().parse::<Uri>().map_err(unwritable)?;
        let host = HeaderValue::from_str(target.authority())
            .map_err(|_| OutboundError::Connect("the host cannot be written in a header".to_owned()))?;
        request.headers_mut().insert(HOST, host);
        let connection = self.connect(target, reach).await?;
        if target.is_https() {
            let name = ServerName::try_from(target.host().to_owned())
                .map_err(|error| OutboundError::Connect(error.to_string()))?;
            let encrypted = self.tls.connect(name, connection).await;
            converse(encrypted.map_err(|error| OutboundError::Connect(error.to_string()))?, request, reading).await
        } else {
            converse(connection, request, reading).await
        }
    }

    async fn connect(&self, target: &Target, reach: Reach) -> Result<TcpStream, OutboundError> {
        let found: Vec<SocketAddr> = match &self.names {
            Some(names) => {
                names(target.host()).into_iter().map(|address| SocketAddr::new(address, target.port())).collect()
            }
            None => tokio::net::lookup_host((target.host(), target.port()))
                .await
                .map_err(|error| OutboundError::Name(error.to_string()))?
                .collect(),
        };
        let first = found.first().ok_or_else(|| OutboundError::Name("it has no address".to_owned()))?.ip();
        let good = |address: &&SocketAddr| {
            reach.allows(address.ip()) || self.allowed.iter().any(|network| network.contains(&address.ip()))
        };
        let mut failure = OutboundError::Forbidden(first);
        for address in found.iter().filter(good).take(ADDRESSES) {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failure = OutboundError::Connect(error.to_string()),
                Err(_) => failure = OutboundError::Connect("nobody answers".to_owned()),
            }
        }
        Err(failure)
    }
}

/// How much of a response body to read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// All of it; a body longer than this is an error.
    Whole { longest: usize },
    /// At most this many bytes.
    Beginning { longest: usize },
}

async fn converse<C>(
    connection: C,
    request: Request<Full<Bytes>>,
    reading: Reading,
) -> Result<Response<Bytes>, OutboundError>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let broken = |error: hyper::Error| OutboundError::Answer(error.to_string());
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEADERS).handshake(TokioIo::new(connection)).await.map_err(broken)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let compressed = answer.headers().contains_key(CONTENT_ENCODING);
        let (parts, body) = answer.into_parts();
        let body = match reading {
            // It was not requested, and its decompressed size is unbounded.
            Reading::Whole { .. } if compressed => return Err(OutboundError::Answer("it is compressed".to_owned())),
            Reading::Whole { longest } => read(body, longest).await?,
            Reading::Beginning { .. } if compressed => Bytes::new(),
            Reading::Beginning { longest } => beginning(body, longest).await,
        };
        Ok(Response::from_parts(parts, body))
    };
    // The connection is driven here and dropped with the response: nothing outlives the request.
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(broken(error)),
        },
    }
}

async fn read(mut body: Incoming, longest: usize) -> Result<Bytes, OutboundError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| OutboundError::Answer(error.to_string()))?.into_data() {
            if read.len() + data.len() > longest {
                return Err(OutboundError::TooLong);
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}

/// Returns the beginning of a body: what arrives within a short time, up to this length.
async fn beginning(mut body: Incoming, longest: usize) -> Bytes {
    let mut read = BytesMut::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data() {
                read.extend_from_slice(data.get(..longest - read.len()).unwrap_or(&data));
            }
            if read.len() == longest {
                return;
            }
        }
    };
    // On timeout, return what has arrived.
    let _ = tokio::time::timeout(GLANCE, reading).await;
    read.freeze()
}
