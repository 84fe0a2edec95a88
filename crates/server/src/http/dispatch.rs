//! From a request's path and method to the endpoint that answers it.

use crate::app::App;
use crate::http::body::IncomingBody;
use crate::http::error;
use crate::http::peer::Peer;
use crate::http::public_call::PathParams;
use crate::http::reply::Reply;
use crate::http::streamed::AnswerBody;
use crate::operations::metrics::RouteCounters;
use bytes::Bytes;
use countersign_protocol::management::error::ApiError;
use http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A request on its way to its endpoint.
#[derive(Debug)]
pub struct IncomingRequest {
    /// The caller.
    pub peer: Peer,
    /// What the path names.
    pub path: PathParams,
    /// The head.
    pub parts: Parts,
    /// The body, not yet read.
    pub body: IncomingBody,
    /// What the request is called in the log.
    pub request_id: HeaderValue,
}

/// An answer that takes its time.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Answers from memory.
pub type SyncHandler = Box<dyn Fn(&Arc<App>, &IncomingRequest) -> Reply + Send + Sync>;
/// Answers in its time.
pub type AsyncHandler = Box<dyn Fn(Arc<App>, IncomingRequest) -> ReplyFuture + Send + Sync>;

/// What answers.
pub enum RouteHandler {
    /// From memory: nothing to wait for.
    Sync(SyncHandler),
    /// Reads a body, asks the database; and what is said when that takes too long.
    Async(AsyncHandler, fn() -> Reply),
}

/// How long a request may take, its body included. What is then still waiting to be written is dropped unwritten.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// What memory an endpoint answers from, and what it says when that cannot be believed.
pub type Admission = fn(crate::domain::Failure) -> Reply;

/// A method of a path.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// What answers.
    pub handler: RouteHandler,
    /// What is said when the database cannot be asked; `None` when the endpoint answers whatever the database does, or says it
    /// itself.
    pub without_database: Option<Admission>,
    /// Whether people see what it answers.
    pub is_page: bool,
    /// Its name in the metrics.
    pub label: String,
    counters: OnceLock<RouteCounters>,
}

impl Endpoint {
    /// An endpoint.
    pub fn new(label: String, method: Method, handler: RouteHandler, without_database: Option<Admission>) -> Self {
        Self { method, handler, without_database, is_page: false, label, counters: OnceLock::new() }
    }

    /// One whose answers are pages, whatever the database does.
    pub fn page(label: String, method: Method, handler: RouteHandler) -> Self {
        Self { is_page: true, ..Self::new(label, method, handler, None) }
    }

    async fn answer(&self, app: &Arc<App>, arrived: IncomingRequest) -> Reply {
        let began = Instant::now();
        let current = match self.without_database {
            Some(refusal) => app.ensure_current_at(began).await.map_err(refusal),
            None => Ok(()),
        };
        let reply = match (current, &self.handler) {
            (Err(refused), _) => refused,
            (Ok(()), RouteHandler::Sync(handler)) => handler(app, &arrived),
            (Ok(()), RouteHandler::Async(handler, too_late)) => {
                let answering = handler(Arc::clone(app), arrived);
                tokio::time::timeout(TIMEOUT, answering).await.unwrap_or_else(|_| too_late())
            }
        };
        self.counters.get_or_init(|| app.metrics.route(&self.label)).observe(reply.status, began.elapsed());
        reply
    }
}

/// All endpoints.
#[derive(Default)]
pub struct Dispatcher {
    paths: matchit::Router<Vec<Endpoint>>,
    /// What people see at a path that does not exist.
    lost: Option<Endpoint>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// All endpoints of these paths.
    ///
    /// # Errors
    /// When two paths say the same, or one is not well formed: a mistake in the route table.
    pub fn new(
        paths: Vec<(&'static str, Vec<Endpoint>)>,
        lost: Option<Endpoint>,
    ) -> Result<Self, matchit::InsertError> {
        let mut dispatcher = Self { lost, ..Self::default() };
        for (path, endpoints) in paths {
            dispatcher.paths.insert(path, endpoints)?;
        }
        Ok(dispatcher)
    }

    /// Answers a request; JSON for paths and methods that do not exist, but a page for who came by a browser.
    pub async fn answer(
        &self,
        app: &Arc<App>,
        peer: Peer,
        request: Request<IncomingBody>,
        request_id: HeaderValue,
    ) -> Response<AnswerBody> {
        let method = request.method();
        // RFC 9110 §9.3.2: HEAD is GET without the content.
        let head = method == Method::HEAD;
        let method = if head { &Method::GET } else { method };
        let lost = || {
            let page = self.lost.as_ref();
            page.filter(|page| page.method == *method && accepts_html(request.headers()))
        };
        let mut refused_with = None;
        let found = match self.paths.at(request.uri().path()) {
            Ok(found) => match found.value.iter().find(|endpoint| endpoint.method == *method) {
                Some(endpoint) => decoded(&found.params).map(|path| (endpoint, path)),
                None => {
                    let allowed = allowed(found.value);
                    // Somebody is at the address of a form that was sent: they see a page as at any other without one.
                    let Some(page) = lost().filter(|_| found.value.iter().any(|endpoint| endpoint.is_page)) else {
                        return error::api(&ApiError::MethodNotAllowed).with(ALLOW, allowed).into_response();
                    };
                    refused_with = Some(allowed);
                    Some((page, PathParams::default()))
                }
            },
            Err(_) => lost().map(|page| (page, PathParams::default())),
        };
        let Some((endpoint, path)) = found else { return error::api(&ApiError::NoSuchPath).into_response() };
        let (parts, body) = request.into_parts();
        let mut reply = endpoint.answer(app, IncomingRequest { peer, path, parts, body, request_id }).await;
        if let Some(allowed) = refused_with {
            reply.status = StatusCode::METHOD_NOT_ALLOWED;
            reply = reply.with(ALLOW, allowed);
        }
        if head { without_content(reply) } else { reply.into_response() }
    }
}

impl Dispatcher {
    /// A path for the log: without what is a secret in it.
    pub fn shown(&self, path: &str) -> String {
        let found = self.paths.at(path);
        let secrets = found.iter().flat_map(|found| found.params.iter()).filter(|(name, _)| *name == SECRET_PART);
        secrets.fold(path.to_owned(), |shown, (name, secret)| shown.replace(secret, &format!("{{{name}}}")))
    }
}

/// Whether somebody looks at the answer: browsers ask for HTML when they go to a page, and programs for nothing or for JSON, or they
/// say who they are.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = |media_type| {
        headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(media_type)))
    };
    accepted("text/html") && !accepted("application/json") && !headers.contains_key(AUTHORIZATION)
}

/// What a variable part of a path is called that is a secret.
const SECRET_PART: &str = "token";
/// Longest variable part of a path, in bytes.
const MAX_PART_LENGTH: usize = 1024;

/// The variable parts of a path; one that is not UTF-8, or has a NUL, names nothing that exists.
fn decoded(params: &matchit::Params<'_, '_>) -> Option<PathParams> {
    let mut parts = Vec::with_capacity(params.len());
    for (name, value) in params.iter() {
        let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
        if value.contains('\0') || value.len() > MAX_PART_LENGTH {
            return None;
        }
        parts.push((name.to_owned(), value.into_owned()));
    }
    Some(PathParams(parts))
}

fn allowed(endpoints: &[Endpoint]) -> HeaderValue {
    let mut methods: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    HeaderValue::try_from(methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn without_content(reply: Reply) -> Response<AnswerBody> {
    let length = (!reply.is_streamed()).then_some(reply.body.len());
    let mut response = reply.into_response();
    *response.body_mut() = AnswerBody::whole(Bytes::new());
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
