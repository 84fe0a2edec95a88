//! Serves small sites: requests in, pages out.

use crate::http::server::connection_builder;
use bytes::Bytes;
use countersign_pages::Page;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The maximum size of a form, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// A request that has been read completely.
#[derive(Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// The parameters of its query.
    pub query: BTreeMap<String, String>,
    /// The fields of its form.
    pub form: BTreeMap<String, String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Whether the browser reports that another site sent it.
    pub from_elsewhere: bool,
    cookies: String,
}

impl Asked {
    /// Returns a cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }
}

/// A response.
pub type Answer = Response<Full<Bytes>>;

/// A site's request handler.
pub trait Website: Send + Sync + 'static {
    /// Responds to a request.
    fn answer(&self, asked: Asked) -> impl Future<Output = Answer> + Send;
}

fn with(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'",
        ),
    );
    answer
}

/// A page response.
pub fn page(page: &impl Page) -> Answer {
    with(StatusCode::OK, "text/html; charset=utf-8", page.html())
}

/// A JSON response.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    with(status, "application/json", value.to_string())
}

/// The stylesheet that the demo's sites share.
pub fn stylesheet() -> Answer {
    with(StatusCode::OK, "text/css; charset=utf-8", countersign_pages::demo::STYLESHEET)
}

/// The response for a page that does not exist.
pub fn not_found() -> Answer {
    with(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "This page does not exist.")
}

/// The response to a form sent from another site.
pub fn forbidden() -> Answer {
    with(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", "This form was not sent from this site.")
}

/// The response to a request for another host.
fn misdirected() -> Answer {
    with(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", "This server does not serve the requested host.")
}

/// Whether a request is for this site.
fn is_here(headers: &http::HeaderMap, port: u16) -> bool {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    host.and_then(|host| host.rsplit_once(':'))
        .is_some_and(|(name, at)| matches!(name, "localhost" | "127.0.0.1") && at.parse() == Ok(port))
}

/// Redirects the browser.
pub fn to(address: &str) -> Answer {
    let mut answer = with(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(address) = HeaderValue::try_from(address) {
        answer.headers_mut().insert(LOCATION, address);
    }
    answer
}

/// Adds a cookie that lasts for the browser session.
pub fn setting(mut answer: Answer, name: &str, value: &str) -> Answer {
    if let Ok(cookie) = HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

fn pairs(text: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

async fn read(request: Request<Incoming>) -> Option<Asked> {
    let (parts, body) = request.into_parts();
    let header =
        |name: http::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(body, MAX_LENGTH).collect().await.ok()?.to_bytes();
    Some(Asked {
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or("").as_bytes()),
        form: if parts.method == Method::POST { pairs(&body) } else { BTreeMap::new() },
        authorization: header(http::header::AUTHORIZATION),
        from_elsewhere: header(http::HeaderName::from_static("sec-fetch-site"))
            .is_some_and(|site| site != "same-origin"),
        cookies: header(COOKIE).unwrap_or_default(),
        method: parts.method,
    })
}

/// Serves a site until told to stop, then drops everything.
pub async fn serve<W: Website>(listener: TcpListener, website: W, mut stop: watch::Receiver<bool>) {
    let website = Arc::new(website);
    let port = listener.local_addr().map_or(0, |address| address.port());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let website = Arc::clone(&website);
        let respond = hyper::service::service_fn(move |request: Request<Incoming>| {
            let website = Arc::clone(&website);
            async move {
                // A foreign name that resolves to this machine is not a name of this site (DNS rebinding).
                if !is_here(request.headers(), port) {
                    return Ok::<_, Infallible>(misdirected());
                }
                Ok(match read(request).await {
                    Some(asked) if asked.method == Method::POST && asked.from_elsewhere => forbidden(),
                    Some(asked) => website.answer(asked).await,
                    None => {
                        with(StatusCode::PAYLOAD_TOO_LARGE, "text/plain; charset=utf-8", "The request is too long.")
                    }
                })
            }
        });
        connections.spawn(async move {
            let _ = connection_builder().serve_connection(TokioIo::new(stream), respond).await;
        });
    }
    connections.shutdown().await;
}
