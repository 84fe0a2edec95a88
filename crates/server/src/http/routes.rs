//! The route table. Every route declares who may call it; there is no way to register one without.

use crate::app::App;
use crate::dashboard::call::DashboardCall;
use crate::domain::Failure;
use crate::http::body::{self, BodyError};
use crate::http::dispatch::{Dispatcher, Endpoint, IncomingRequest, ReplyFuture, RouteHandler};
use crate::http::management::ManagementCall;
use crate::http::oauth_call::{OAuthCall, oauth_error};
use crate::http::page_call::PageCall;
use crate::http::pages::{Answered, DashboardHandler, PageOwner, Paged, show, show_as, take_files};
use crate::http::peer::Peer;
use crate::http::public_call::{PathParams, PublicCall};
use crate::http::reply::Reply;
use crate::http::streamed::AnswerBody;
use crate::http::{error, request_id::RequestIds};
use crate::portal::call::PortalCall;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{PortalIntent, StaffRole};
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use http::{Method, Response};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anyone: a public document.
    Public,
    /// An OAuth client that authenticates as OAuth says.
    Client,
    /// Anyone with a browser; a form must come from a page of ours in the same browser.
    Browser,
    /// A member of the company's own staff with this role or a greater one, in a browser; a form must come from a page of
    /// ours in the same browser.
    Staff(StaffRole),
    /// Who may see this part of an organization's own page, or any part of it: by a link of the company's, or as a member with
    /// the permission for it. In a browser; a form must come from a page of ours in the same browser.
    Portal(Option<PortalIntent>),
    /// The holder of an environment's API key.
    EnvironmentKey,
    /// The operator: served on any host.
    Operator,
}

/// What a document that has to be looked for is, in its time.
pub type HandlerFuture<'c> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'c>>;

// Handlers are kept behind pointers, so that what is around them is compiled once and not for each.
type ManagementHandler = Arc<dyn Fn(ManagementCall) -> HandlerFuture<'static> + Send + Sync>;

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
    paths: Vec<(&'static str, Vec<Endpoint>)>,
    lost: Option<Endpoint>,
    table: Vec<Route>,
}

fn unavailable(failure: Failure) -> Reply {
    error::api(&failure.into_api_error())
}

fn oauth_unavailable(failure: Failure) -> Reply {
    error::oauth(&oauth_error(failure))
}

impl Routes {
    fn add(mut self, method: Method, path: &'static str, policy: Policy, handler: RouteHandler) -> Self {
        self.table.push(Route { method: method.clone(), path, policy });
        let label = format!("{method} {path}");
        let endpoint = match policy {
            // The operator's questions must be answered whatever the database does.
            Policy::Operator => Endpoint::new(label, method, handler, None),
            Policy::Client => Endpoint::new(label, method, handler, Some(oauth_unavailable)),
            Policy::Public | Policy::EnvironmentKey => Endpoint::new(label, method, handler, Some(unavailable)),
            Policy::Browser | Policy::Staff(_) | Policy::Portal(_) => Endpoint::page(label, method, handler),
        };
        match self.paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => self.paths.push((path, vec![endpoint])),
        }
        self
    }

    /// Adds a route whose answer takes time, but not for ever.
    fn add_in_time<H, F>(
        self,
        method: Method,
        path: &'static str,
        policy: Policy,
        too_late: fn() -> Reply,
        handler: H,
    ) -> Self
    where
        H: Fn(Arc<App>, IncomingRequest) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let handler = move |app, arrived| -> ReplyFuture { Box::pin(handler(app, arrived)) };
        self.add(method, path, policy, RouteHandler::Async(Box::new(handler), too_late))
    }

    /// A public document.
    #[must_use]
    pub fn public<H>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(&PublicCall) -> Result<Reply, ApiError> + Send + Sync + 'static,
    {
        let handler = move |app: &Arc<App>, arrived: &IncomingRequest| {
            let call = PublicCall::new(Arc::clone(app), arrived.peer, arrived.path.clone(), &arrived.parts);
            let reply = handler(&call).unwrap_or_else(|refused| error::api(&refused));
            reply.with(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, http::HeaderValue::from_static("*"))
        };
        self.add(Method::GET, path, Policy::Public, RouteHandler::Sync(Box::new(handler)))
    }

    /// A public document that the database is asked for.
    #[must_use]
    pub fn stored<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PublicCall) -> HandlerFuture<'c> + Clone + Send + Sync + 'static,
    {
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(Method::GET, path, Policy::Public, too_late, move |app, arrived| {
            let handler = handler.clone();
            async move {
                let call = PublicCall::new(app, arrived.peer, arrived.path, &arrived.parts);
                handler(&call).await.unwrap_or_else(|failure| error::api(&failure.into_api_error()))
            }
        })
    }

    /// A capability URL: whoever has the signed link may read what it leads to. The handler verifies the signature.
    #[must_use]
    pub fn addressed<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(PublicCall, Query) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(Method::GET, path, Policy::Public, too_late, move |app, arrived| {
            let handler = handler.clone();
            async move {
                let query = match Query::parse(arrived.parts.uri.query().unwrap_or("")) {
                    Ok(query) => query,
                    Err(refused) => return error::api(&refused),
                };
                let call = PublicCall::new(app, arrived.peer, arrived.path, &arrived.parts);
                handler(call, query).await.unwrap_or_else(|failure| error::api(&failure.into_api_error()))
            }
        })
    }

    /// An OAuth endpoint.
    #[must_use]
    pub fn oauth<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(OAuthCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, OAuthError>> + Send + 'static,
    {
        self.oauth_with(Method::POST, path, handler)
    }

    /// A resource of ours that is opened by an access token; the handler checks the token.
    #[must_use]
    pub fn resource<H, F>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Fn(OAuthCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, OAuthError>> + Send + 'static,
    {
        self.oauth_with(method, path, handler)
    }

    fn oauth_with<H, F>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Fn(OAuthCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, OAuthError>> + Send + 'static,
    {
        let too_late = || {
            error::oauth(&OAuthError::new(
                OAuthErrorCode::TemporarilyUnavailable,
                "The server cannot answer this right now. Try again.",
            ))
        };
        self.add_in_time(method, path, Policy::Client, too_late, move |app, arrived| {
            let handler = handler.clone();
            async move {
                let IncomingRequest { peer, parts, body, request_id, .. } = arrived;
                let call = PublicCall::new(Arc::clone(&app), peer, PathParams::default(), &parts);
                if let Err(refused) = call.environment() {
                    return error::api(&refused);
                }
                let body = match body::read(body, body::OAUTH_LIMIT).await {
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
                let call = PublicCall::new(Arc::clone(&app), peer, PathParams::default(), &parts);
                let environment = match call.environment() {
                    Ok(environment) => Arc::clone(environment),
                    Err(refused) => return error::api(&refused),
                };
                let call = OAuthCall { app, environment, peer, headers: parts.headers, body, request_id };
                handler(call).await.unwrap_or_else(|refused| error::oauth(&refused))
            }
        })
    }

    /// A preflight for browsers (the CORS protocol): no credential, no effect.
    #[must_use]
    pub fn preflight(self, path: &'static str) -> Self {
        let handler = |_: &Arc<App>, _: &IncomingRequest| crate::http::cors::preflight();
        self.add(Method::OPTIONS, path, Policy::Public, RouteHandler::Sync(Box::new(handler)))
    }

    /// The same for pages of the environment's own origins, which may send cookies along.
    #[must_use]
    pub fn preflight_of_own(self, path: &'static str) -> Self {
        let handler = |app: &Arc<App>, arrived: &IncomingRequest| {
            let call = PublicCall::new(Arc::clone(app), arrived.peer, PathParams::default(), &arrived.parts);
            match call.environment() {
                Ok(environment) => crate::http::cors::preflight_of_own(&arrived.parts.headers, environment),
                Err(refused) => error::api(&refused),
            }
        };
        self.add(Method::OPTIONS, path, Policy::Public, RouteHandler::Sync(Box::new(handler)))
    }

    /// A management endpoint.
    #[must_use]
    pub fn management<H, F>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Fn(ManagementCall) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        let handler: ManagementHandler = Arc::new(move |call| Box::pin(handler(call)));
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(method, path, Policy::EnvironmentKey, too_late, move |app, arrived| {
            manage(Arc::clone(&handler), app, arrived)
        })
    }

    /// A hosted page: what a browser gets, without effect but on the browser itself.
    #[must_use]
    pub fn page<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        self.browser(Method::GET, path, PageOwner::Host, true, handler)
    }

    /// The same for the pages at which the company's own staff sign in: below the dashboard's path, on the API's host.
    #[must_use]
    pub fn staff_page<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        self.browser(Method::GET, path, PageOwner::Staff, true, handler)
    }

    /// What a form of such a page is posted to.
    #[must_use]
    pub fn staff_form<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        self.browser(Method::POST, path, PageOwner::Staff, true, handler)
    }

    /// A page of the dashboard, or what its forms are posted to: for who is signed in as a member of staff with this role
    /// or a greater one.
    #[must_use]
    pub fn dashboard<H>(self, method: Method, path: &'static str, role: StaffRole, handler: H) -> Self
    where
        H: for<'c> Fn(&'c DashboardCall) -> Answered<'c> + Send + Sync + 'static,
    {
        let handler = Paged::Dashboard(role, Arc::new(handler));
        self.in_browser(method, path, Policy::Staff(role), PageOwner::Staff, handler)
    }

    /// What a form of the dashboard that has files is posted to. Who may not is told before anything large is taken in.
    #[must_use]
    pub fn dashboard_files<H>(self, path: &'static str, role: StaffRole, handler: H) -> Self
    where
        H: for<'c> Fn(&'c DashboardCall) -> Answered<'c> + Send + Sync + 'static,
    {
        let handler: Arc<DashboardHandler> = Arc::new(handler);
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(Method::POST, path, Policy::Staff(role), too_late, move |app, arrived| {
            take_files(Arc::clone(&handler), role, app, arrived)
        })
    }

    /// A page of an organization, or what its forms are posted to: for who may see this part of it.
    #[must_use]
    pub fn portal<H>(self, method: Method, path: &'static str, intent: Option<PortalIntent>, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PortalCall) -> Answered<'c> + Send + Sync + 'static,
    {
        let handler = Paged::Portal(intent, Arc::new(handler));
        self.in_browser(method, path, Policy::Portal(intent), PageOwner::Host, handler)
    }

    /// What a form of a hosted page is posted to. A post that did not come from one of our pages in the same browser is
    /// refused before the handler sees it.
    #[must_use]
    pub fn form<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        self.browser(Method::POST, path, PageOwner::Host, true, handler)
    }

    /// What other sites' pages may post to: it must have no effect.
    #[must_use]
    pub fn cross_site_form<H>(self, path: &'static str, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        self.browser(Method::POST, path, PageOwner::Host, false, handler)
    }

    fn browser<H>(self, method: Method, path: &'static str, whose: PageOwner, ours_only: bool, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        let handler = Paged::Hosted { ours_only: method == Method::POST && ours_only, handler: Arc::new(handler) };
        self.in_browser(method, path, Policy::Browser, whose, handler)
    }

    /// What people see at a path that is none of the others.
    #[must_use]
    pub fn lost<H>(mut self, handler: H) -> Self
    where
        H: for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync + 'static,
    {
        let handler = Paged::Hosted { ours_only: false, handler: Arc::new(handler) };
        // What does not exist does not depend on what the database says.
        let handler = move |app, arrived| -> ReplyFuture {
            Box::pin(show_as(Ok(()), handler.clone(), PageOwner::Anywhere, app, arrived))
        };
        let too_late = || error::api(&ApiError::Unavailable);
        let handler = RouteHandler::Async(Box::new(handler), too_late);
        self.lost = Some(Endpoint::page("GET elsewhere".to_owned(), Method::GET, handler));
        self
    }

    fn in_browser(self, method: Method, path: &'static str, policy: Policy, whose: PageOwner, handler: Paged) -> Self {
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(method, path, policy, too_late, move |app, arrived| show(handler.clone(), whose, app, arrived))
    }

    /// An endpoint for the operator.
    #[must_use]
    pub fn operator<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<App>, Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let too_late = || error::api(&ApiError::Unavailable);
        self.add_in_time(Method::GET, path, Policy::Operator, too_late, move |app, arrived| handler(app, arrived.peer))
    }

    /// The table.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// What answers requests.
    ///
    /// # Errors
    /// When two paths say the same: a mistake in the table.
    pub fn into_dispatcher(self) -> Result<Dispatcher, matchit::InsertError> {
        Dispatcher::new(self.paths, self.lost)
    }
}

/// Answers at a management endpoint.
async fn manage(handler: ManagementHandler, app: Arc<App>, arrived: IncomingRequest) -> Reply {
    let IncomingRequest { peer, path, parts, body, .. } = arrived;
    if !PublicCall::new(Arc::clone(&app), peer, PathParams::default(), &parts).is_for_us() {
        return error::api(&ApiError::MisdirectedRequest);
    }
    match ManagementCall::admit(app, peer, path, parts, body).await {
        Ok(call) => handler(call).await.map_or_else(|failure| error::api(&failure.into_api_error()), Reply::no_store),
        Err(refused) => error::api(&refused),
    }
}

const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// What every answer carries: the request's name, and that its type is not to be guessed.
pub fn finish(mut response: Response<AnswerBody>, id: http::HeaderValue, encrypted: bool) -> Response<AnswerBody> {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    if encrypted {
        headers.insert(http::header::STRICT_TRANSPORT_SECURITY, http::HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Request identifiers of this process.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn request_ids(app: &App) -> Result<RequestIds, crate::entropy::NoEntropy> {
    Ok(RequestIds::new(app.entropy.bytes()?))
}
