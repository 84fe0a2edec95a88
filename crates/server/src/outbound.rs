//! The one client for requests of ours to addresses that others have given us. It is small so that what it cannot do is
//! plain to see: no redirects, no proxies, no compression, no cookies, one request per connection; only to addresses that
//! were checked and are the ones connected to, so that a name cannot change its mind in between.

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

/// How long a connection may take to be made, per address.
const CONNECT: Duration = Duration::from_secs(3);
/// How long the body of an answer may take of which only the status counts.
const GLANCE: Duration = Duration::from_secs(1);
/// How many of a name's addresses are tried.
const ADDRESSES: usize = 4;
/// Longest headers of an answer, in bytes.
const HEADERS: usize = 16 * 1024;

/// What an answer may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take in all.
    pub time: Duration,
    /// How many bytes it may have.
    pub bytes: usize,
}

/// Why a request has no answer. For the operator's log, not for strangers.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Name(String),
    /// The name stands for addresses that requests may not go to.
    #[error("the name stands for {0}, an address that requests may not go to (see outbound_allow)")]
    Forbidden(IpAddr),
    /// Nobody answers there.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The answer is no HTTP, or breaks off.
    #[error("not a good answer: {0}")]
    Answer(String),
    /// The answer is longer than was allowed.
    #[error("the answer is too long")]
    TooLong,
    /// The answer takes longer than was allowed.
    #[error("no answer in time")]
    TooSlow,
}

/// Tells what addresses a name stands for.
pub type Names = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// Sends requests.
#[derive(Clone)]
pub struct OutboundClient {
    tls: TlsConnector,
    allowed: Vec<ipnet::IpNet>,
    /// Asked instead of the system.
    names: Option<Names>,
}

impl std::fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundClient").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl OutboundClient {
    /// A client that may also reach these networks, and trusts these certificates (PEM) besides the public ones.
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

    /// The same client with its own resolver of names instead of the system's: for tests, whose names do not exist.
    #[must_use]
    pub fn with_names(self, names: Names) -> Self {
        Self { names: Some(names), ..self }
    }

    /// Sends a request and reads its whole answer, whatever its status. A redirect is an answer like any other.
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

    /// Sends a request whose answer is its status: of its body the beginning is read, as far as it comes in a moment.
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

/// How much of an answer's body is wanted.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// All of it, which must not be longer.
    Whole { longest: usize },
    /// No more than this.
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
            // It was not asked for, and what comes out of it has no bounds that could be known.
            Reading::Whole { .. } if compressed => return Err(OutboundError::Answer("it is compressed".to_owned())),
            Reading::Whole { longest } => read(body, longest).await?,
            Reading::Beginning { .. } if compressed => Bytes::new(),
            Reading::Beginning { longest } => beginning(body, longest).await,
        };
        Ok(Response::from_parts(parts, body))
    };
    // The connection is driven here and dropped with the answer: nothing of it outlives the request.
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

/// The beginning of a body: what arrives within a short time, up to this length.
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
    // Whatever has come by then.
    let _ = tokio::time::timeout(GLANCE, reading).await;
    read.freeze()
}
