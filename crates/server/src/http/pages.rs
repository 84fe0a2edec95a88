//! Calls of pages: who may see one, whose it is, and a page for whatever goes wrong on the way to it.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::dashboard::call::DashboardCall;
use crate::domain::Failure;
use crate::hosted::form_redirect;
use crate::hosted::page::{PageError, stopped};
use crate::http::body::{self, BodyError};
use crate::http::dispatch::{IncomingRequest, TIMEOUT};
use crate::http::error;
use crate::http::page_call::{PageCall, PageParts};
use crate::http::peer::Peer;
use crate::http::public_call::{self, PathParams, PublicCall};
use crate::http::reply::Reply;
use crate::portal::call::PortalCall;
use bytes::Bytes;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{PortalIntent, StaffRole};
use http::Method;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What a page answers, in its time.
pub type Answered<'c> = Pin<Box<dyn Future<Output = Result<Reply, PageError>> + Send + 'c>>;

// Handlers are kept behind pointers, so that what is around them is compiled once and not for each.
pub(super) type PageHandler = dyn for<'c> Fn(&'c PageCall) -> Answered<'c> + Send + Sync;
pub(super) type DashboardHandler = dyn for<'c> Fn(&'c DashboardCall) -> Answered<'c> + Send + Sync;
pub(super) type PortalHandler = dyn for<'c> Fn(&'c PortalCall) -> Answered<'c> + Send + Sync;

/// What makes a page, and for whom.
#[derive(Clone)]
pub(super) enum Paged {
    /// For anyone with a browser.
    Hosted {
        /// Whether it takes posts from pages of ours alone.
        ours_only: bool,
        handler: Arc<PageHandler>,
    },
    /// For staff with this role or a greater one.
    Dashboard(StaffRole, Arc<DashboardHandler>),
    /// For who may see this part of an organization's page.
    Portal(Option<PortalIntent>, Arc<PortalHandler>),
}

impl Paged {
    async fn answer(&self, page: PageCall) -> Reply {
        let ours_only = match self {
            Self::Hosted { ours_only, .. } => *ours_only,
            Self::Dashboard(..) | Self::Portal(..) => page.method == Method::POST,
        };
        if ours_only && !page.is_ours() {
            return page.finish(stopped(&page, not_ours()));
        }
        match self {
            Self::Hosted { handler, .. } => {
                let reply = match in_time(handler(&page)).await {
                    Ok(reply) if ours_only => form_redirect::settle(&page, reply),
                    Ok(reply) => reply,
                    Err(stop) => stopped(&page, stop),
                };
                page.finish(reply)
            }
            Self::Dashboard(role, handler) => match Box::pin(DashboardCall::admit(page, *role)).await {
                Ok(call) => {
                    let reply = in_time(handler(&call)).await.unwrap_or_else(|stop| call.stopped(stop));
                    call.page.finish(reply)
                }
                Err((page, reply)) => page.finish(reply),
            },
            Self::Portal(intent, handler) => match Box::pin(PortalCall::admit(page, *intent)).await {
                Ok(call) => {
                    let reply = in_time(handler(&call)).await.unwrap_or_else(|stop| call.stopped(stop));
                    call.page.finish(reply)
                }
                Err((page, reply)) => page.finish(reply),
            },
        }
    }
}

/// How long a page is waited for: a little less than any answer, whose time began before.
const PATIENCE_FOR_PAGE: Duration = TIMEOUT.saturating_sub(Duration::from_secs(1));

/// What a handler answers, unless that takes too long.
async fn in_time(answering: Answered<'_>) -> Result<Reply, PageError> {
    match tokio::time::timeout(PATIENCE_FOR_PAGE, answering).await {
        Ok(answer) => answer,
        Err(_) => Err(PageError::Failure(ApiError::Unavailable.into())),
    }
}

/// Whose pages a route is one of.
#[derive(Debug, Clone, Copy)]
pub(super) enum PageOwner {
    /// The environment's whose issuer the host is.
    Host,
    /// The same, and the built-in environment's at the host that is the API's alone.
    Anywhere,
    /// The built-in environment's.
    Staff,
}

impl PageOwner {
    /// The environment whose page a request is for.
    fn environment(
        self,
        app: &Arc<App>,
        peer: Peer,
        parts: &http::request::Parts,
    ) -> Result<Arc<EnvironmentState>, ApiError> {
        match self {
            Self::Staff => public_call::staff(app, parts),
            Self::Host => {
                PublicCall::new(Arc::clone(app), peer, PathParams::default(), parts).environment().map(Arc::clone)
            }
            Self::Anywhere => match Self::Host.environment(app, peer, parts) {
                Err(ApiError::NoSuchPath) => Self::Staff.environment(app, peer, parts),
                // What does not exist does not exist anywhere.
                Err(ApiError::MisdirectedRequest) => Err(ApiError::NoSuchPath),
                found => found,
            },
        }
    }
}

/// The page for a post that did not come from one of our pages in the same browser.
fn not_ours() -> PageError {
    PageError::Trouble(http::StatusCode::FORBIDDEN, countersign_pages::Trouble::Form)
}

/// Answers with a page.
pub(super) async fn show(handler: Paged, whose: PageOwner, app: Arc<App>, arrived: IncomingRequest) -> Reply {
    let current = app.ensure_current().await;
    show_as(current, handler, whose, app, arrived).await
}

/// The same, where it was asked whether memory may be believed.
pub(super) async fn show_as(
    current: Result<(), Failure>,
    handler: Paged,
    whose: PageOwner,
    app: Arc<App>,
    arrived: IncomingRequest,
) -> Reply {
    let IncomingRequest { peer, path, parts, body, request_id } = arrived;
    let mut environment = match (whose.environment(&app, peer, &parts), &current) {
        (Ok(environment), _) => environment,
        (Err(refused), Ok(())) => return error::api(&refused),
        // Perhaps there is one, and this node has not heard of it.
        (Err(_), Err(_)) => return error::api(&ApiError::Unavailable),
    };
    if let Err(failure) = current {
        let page = PageParts { peer, path, parts, body: Bytes::new(), request_id };
        return not_now(app, environment, page, failure);
    }
    let body = match body::read(body, body::OAUTH_LIMIT).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return error::api(&ApiError::TooLarge),
        Err(BodyError::Incomplete) => return Reply::empty(http::StatusCode::BAD_REQUEST),
    };
    // A body takes time: what was settled meanwhile is in force.
    if !body.is_empty() {
        if let Err(failure) = app.ensure_current().await {
            return not_now(app, environment, PageParts { peer, path, parts, body, request_id }, failure);
        }
        environment = match whose.environment(&app, peer, &parts) {
            Ok(environment) => environment,
            Err(refused) => return error::api(&refused),
        };
    }
    let page = PageParts { peer, path, parts, body, request_id };
    match PageCall::new(app, environment, page) {
        Ok(page) => handler.answer(page).await,
        Err(_) => error::api(&ApiError::Internal),
    }
}

/// The page for when memory cannot be believed, which says nothing but that: in the look that is known.
fn not_now(app: Arc<App>, environment: Arc<EnvironmentState>, page: PageParts, failure: Failure) -> Reply {
    match PageCall::new(app, environment, page) {
        Ok(page) => page.finish(stopped(&page, PageError::Failure(failure))),
        Err(_) => error::api(&ApiError::Internal),
    }
}

/// Answers a form with files.
pub(super) async fn take_files(
    handler: Arc<DashboardHandler>,
    role: StaffRole,
    app: Arc<App>,
    arrived: IncomingRequest,
) -> Reply {
    let current = app.ensure_current().await;
    let IncomingRequest { peer, path, parts, body, request_id } = arrived;
    let environment = match public_call::staff(&app, &parts) {
        Ok(environment) => environment,
        Err(refused) => return error::api(&refused),
    };
    let page = PageParts { peer, path, parts, body: Bytes::new(), request_id };
    if let Err(failure) = current {
        return not_now(app, environment, page, failure);
    }
    let Ok(page) = PageCall::new(Arc::clone(&app), environment, page) else {
        return error::api(&ApiError::Internal);
    };
    let mut call = match DashboardCall::admit(page, role).await {
        Ok(call) => call,
        Err((page, reply)) => return page.finish(reply),
    };
    match body::read(body, body::FILES_LIMIT).await {
        Ok(body) => call.page.body = body,
        Err(BodyError::TooLarge) => {
            let reply = call.stopped(PageError::Failure(ApiError::TooLarge.into()));
            return call.page.finish(reply);
        }
        Err(BodyError::Incomplete) => return Reply::empty(http::StatusCode::BAD_REQUEST),
    }
    if !call.page.is_ours() {
        return call.page.finish(stopped(&call.page, not_ours()));
    }
    // A body may take its time: role and environment are those of now.
    if let Err(failure) = app.ensure_current().await {
        let reply = stopped(&call.page, PageError::Failure(failure));
        return call.page.finish(reply);
    }
    match DashboardCall::admit(call.page, role).await {
        Ok(call) => {
            let reply = in_time(handler(&call)).await.unwrap_or_else(|stop| call.stopped(stop));
            call.page.finish(reply)
        }
        Err((page, reply)) => page.finish(reply),
    }
}
