//! The route table. Every route declares who may call it; there is no way to register one without.

use crate::app::App;
use crate::domain::Failure;
use crate::http::body::{self, BodyError};
use crate::http::management::ManagementCall;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::peer::Peer;
use crate::http::public_call::{PathParams, PublicCall};
use crate::http::reply::Reply;
use crate::http::{error, request_id::RequestIds};
use crate::operations::metrics::RouteCounters;
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::routing::{MethodFilter, on};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use http::{Method, Response};
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a request may take, its body included. What is then still waiting to be written is dropped unwritten.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anyone: a public document.
    Public,
    /// An OAuth client that authenticates as OAuth says.
    Client,
    /// The holder of an environment's API key.
    EnvironmentKey,
    /// The operator: served on any host.
    Operator,
}

/// One line of the route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}` for its variable parts.
    pub path: &'static str,
    /// Who may call it.
    pub policy: Policy,
}

/// What the table is made of.
#[derive(Default)]
pub struct Routes {
    router: Router<Arc<App>>,
    table: Vec<Route>,
}

type Params = Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>;

/// Decodes the variable parts of the path; one that is not UTF-8 names nothing that exists.
fn path_params(params: Params) -> Result<PathParams, ApiError> {
    let params = params.map_err(|_| ApiError::NoSuchPath)?;
    let params: Vec<(String, String)> =
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if params.iter().any(|(_, value)| value.contains('\0') || value.len() > 1024) {
        return Err(ApiError::NoSuchPath);
    }
    Ok(PathParams(params))
}

fn peer(request: &http::request::Parts) -> Peer {
    request.extensions.get::<Peer>().copied().unwrap_or(Peer {
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        encrypted: false,
        local: false,
    })
}

impl Routes {
    fn add<H, F>(mut self, method: Method, path: &'static str, policy: Policy, handler: H) -> Self
    where
        H: Fn(Arc<App>, Params, http::request::Parts, Body) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let filter = match method {
            Method::GET => MethodFilter::GET,
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::PATCH => MethodFilter::PATCH,
            Method::OPTIONS => MethodFilter::OPTIONS,
            _ => MethodFilter::DELETE,
        };
        self.table.push(Route { method: method.clone(), path, policy });
        let counters: Arc<OnceLock<RouteCounters>> = Arc::default();
        let label = format!("{method} {path}");
        let label: Arc<str> = label.into();
        let served = move |State(app): State<Arc<App>>, params: Params, request: Request| {
            let (handler, counters, label) = (handler.clone(), Arc::clone(&counters), Arc::clone(&label));
            async move {
                let began = Instant::now();
                let counters = counters.get_or_init(|| app.metrics.route(&label));
                let (parts, body) = request.into_parts();
                // The operator's questions must be answered whatever the database does.
                let current = if policy == Policy::Operator { Ok(()) } else { app.ensure_current().await };
                let reply = match current {
                    Ok(()) if policy == Policy::Public => handler(app, params, parts, body).await,
                    Ok(()) => match tokio::time::timeout(PATIENCE, handler(app, params, parts, body)).await {
                        Ok(reply) => reply,
                        Err(_) if policy == Policy::Client => error::oauth(&OAuthError::new(
                            OAuthErrorCode::TemporarilyUnavailable,
                            "The server cannot answer this right now. Try again.",
                        )),
                        Err(_) => error::api(&ApiError::Unavailable),
                    },
                    Err(failure) if policy == Policy::Client => error::oauth(&oauth_error(failure)),
                    Err(failure) => error::api(&failure.into_api_error()),
                };
                counters.observe(reply.status, began.elapsed());
                reply.into_response()
            }
        };
        self.router = self.router.route(path, on(filter, served));
        self
    }

    /// A public document.
    #[must_use]
    pub fn public<H>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(&PublicCall) -> Result<Reply, ApiError> + Clone + Send + Sync + 'static,
    {
        self.add(Method::GET, path, Policy::Public, move |app, params, parts, _| {
            let answer = path_params(params).and_then(|path| {
                let call = PublicCall::new(app, peer(&parts), path, &parts);
                handler(&call)
            });
            let reply = answer.unwrap_or_else(|refused| error::api(&refused));
            async move { reply.with(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, http::HeaderValue::from_static("*")) }
        })
    }

    /// An OAuth endpoint.
    #[must_use]
    pub fn oauth<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(OAuthCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, OAuthError>> + Send + 'static,
    {
        self.add(Method::POST, path, Policy::Client, move |app, _, parts, body| {
            let handler = handler.clone();
            async move {
                let call = PublicCall::new(Arc::clone(&app), peer(&parts), PathParams::default(), &parts);
                if let Err(refused) = call.environment() {
                    return error::api(&refused);
                }
                let body = match body::read(&parts.headers, body, body::OAUTH_LIMIT).await {
                    Ok(body) => body,
                    Err(BodyError::TooLarge) => {
                        return error::oauth(&OAuthError::new(
                            OAuthErrorCode::RequestTooLarge,
                            "The request is too large.",
                        ));
                    }
                    Err(BodyError::Incomplete) => {
                        return error::oauth(&OAuthError::invalid_request("The request did not arrive completely."));
                    }
                };
                // A body may take its time: keys and clients are those of now, not of when the request began.
                if let Err(failure) = app.ensure_current().await {
                    return error::oauth(&oauth_error(failure));
                }
                let call = PublicCall::new(Arc::clone(&app), call.peer, PathParams::default(), &parts);
                let environment = match call.environment() {
                    Ok(environment) => Arc::clone(environment),
                    Err(refused) => return error::api(&refused),
                };
                let call = OAuthCall { app, environment, peer: call.peer, headers: parts.headers, body };
                handler(call).await.unwrap_or_else(|refused| error::oauth(&refused))
            }
        })
    }

    /// A preflight for browsers (the CORS protocol): no credential, no effect.
    #[must_use]
    pub fn preflight(self, path: &'static str) -> Self {
        self.add(Method::OPTIONS, path, Policy::Public, |_, _, _, _| async { crate::http::cors::preflight() })
    }

    /// A management endpoint.
    #[must_use]
    pub fn management<H, F>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Fn(ManagementCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        self.add(method, path, Policy::EnvironmentKey, move |app, params, parts, body| {
            let handler = handler.clone();
            async move {
                let admitted = async {
                    let path = path_params(params)?;
                    let peer = peer(&parts);
                    if !PublicCall::new(Arc::clone(&app), peer, PathParams::default(), &parts).is_for_us() {
                        return Err(ApiError::MisdirectedRequest);
                    }
                    ManagementCall::admit(app, peer, path, parts, body).await
                };
                let call = match admitted.await {
                    Ok(call) => call,
                    Err(refused) => return error::api(&refused),
                };
                handler(call).await.map_or_else(|failure| error::api(&failure.into_api_error()), Reply::no_store)
            }
        })
    }

    /// An endpoint for the operator.
    #[must_use]
    pub fn operator<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<App>, Peer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        self.add(Method::GET, path, Policy::Operator, move |app, _, parts, _| handler(app, peer(&parts)))
    }

    /// The table.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router, with JSON answers for paths and methods that do not exist.
    pub fn into_router(self, app: Arc<App>) -> Router {
        self.router
            .fallback(|| async { error::api(&ApiError::NoSuchPath).into_response() })
            .method_not_allowed_fallback(|| async { error::api(&ApiError::MethodNotAllowed).into_response() })
            .with_state(app)
    }
}

/// What every answer carries: the request's name, and that its type is not to be guessed.
pub fn finish(mut response: Response<Body>, id: http::HeaderValue, encrypted: bool) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert("x-request-id", id);
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    if encrypted {
        headers.insert(http::header::STRICT_TRANSPORT_SECURITY, http::HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Request identifiers of this process.
///
/// # Errors
/// When no random bytes are to be had.
pub fn request_ids(app: &App) -> Result<RequestIds, crate::entropy::NoEntropy> {
    Ok(RequestIds::new(app.entropy.bytes()?))
}
