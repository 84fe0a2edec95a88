//! What every page has: its frame, its headers, and a page for what cannot go on.

use super::flow::Flow;
pub use crate::date_time::moment;
use crate::domain::environments::branding::shown_logo;
use crate::domain::{Failure, product_name};
use crate::http::cookies::Cookie;
use crate::http::error;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_pages::{Application, Branding, ErrorPage, Form, Frame, Language, Logo, Page, Problem, Trouble};
use countersign_protocol::oauth::client::Client;
use http::header::{
    ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use std::sync::Arc;

/// How long a language that was chosen is remembered, in seconds.
const LANGUAGE_LIFETIME: i64 = 400 * 86_400;
/// How long the language of an application's request is, in seconds: as long as a flow may last.
const REQUESTED_LANGUAGE_LIFETIME: i64 = 3600;

/// Why a page cannot go on.
#[derive(Debug)]
pub enum PageError {
    /// One of the usual troubles.
    Trouble(StatusCode, Trouble),
    /// One of the usual troubles, and where one may go from it.
    WithWayOn(StatusCode, Trouble, String),
    /// An administrator has to allow the client from this host first.
    AskFirst(String),
    /// Something of ours failed.
    Failure(Failure),
}

impl PageError {
    /// What a form or link carries along is not ours, or of another browser.
    pub fn flow() -> Self {
        Self::Trouble(StatusCode::BAD_REQUEST, Trouble::Form)
    }

    /// What something could not be written for that belongs to an application: it may have gone since it was loaded.
    pub fn without_application(failure: Failure) -> Self {
        match failure {
            Failure::Store(countersign_store::Error::ForeignKey) => {
                Self::Trouble(StatusCode::BAD_REQUEST, Trouble::Application)
            }
            failure => Self::Failure(failure),
        }
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
impl From<countersign_store::Error> for PageError {
    fn from(error: countersign_store::Error) -> Self {
        Self::Failure(error.into())
    }
}
impl From<crate::entropy::NoEntropy> for PageError {
    fn from(error: crate::entropy::NoEntropy) -> Self {
        Self::Failure(error.into())
    }
}
impl From<countersign_protocol::oauth::error::OAuthError> for PageError {
    fn from(_: countersign_protocol::oauth::error::OAuthError) -> Self {
        Self::Trouble(StatusCode::BAD_REQUEST, Trouble::Address)
    }
}

/// The language of a call: asked for, chosen before, that of the application's request, or the browser's.
pub fn language(call: &PageCall) -> Language {
    let preferred = || {
        let headers = call.headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        Language::negotiate(&headers.collect::<Vec<_>>().join(","))
    };
    query_language(call)
        .or_else(|| cookie_language(call, Cookie::Language))
        .or_else(|| requested_language(call))
        .or_else(|| if is_request_of_application(call) { None } else { cookie_language(call, Cookie::WishedLanguage) })
        .unwrap_or_else(preferred)
}

/// Of a link on a page.
fn query_language(call: &PageCall) -> Option<Language> {
    call.query().ok().and_then(|query| query.get("lang").and_then(Language::parse))
}

/// What this browser keeps.
fn cookie_language(call: &PageCall, cookie: Cookie) -> Option<Language> {
    cookie.read(&call.headers, &call.environment.environment.issuer).and_then(|tag| Language::parse(&tag))
}

/// The first of ours in `ui_locales` (OpenID Connect Core §3.1.2.1).
fn requested_language(call: &PageCall) -> Option<Language> {
    call.query().ok().and_then(|query| query.get("ui_locales")?.split_whitespace().find_map(Language::parse))
}

/// Whether an application has sent the browser here just now. What the one before has wished is nothing to it.
fn is_request_of_application(call: &PageCall) -> bool {
    call.uri.path().ends_with("/authorize") && call.query().is_ok_and(|query| query.get("client_id").is_some())
}

/// Keeps the language of the application's request for the pages that follow, and forgets that of another one before. What the
/// person has chosen here counts for more.
pub fn keep_requested_language(call: &PageCall, reply: Reply) -> Reply {
    let issuer = &call.environment.environment.issuer;
    let cookie = match requested_language(call) {
        Some(language) => Cookie::WishedLanguage.set(language.tag(), REQUESTED_LANGUAGE_LIFETIME, issuer),
        None if is_request_of_application(call) && cookie_language(call, Cookie::WishedLanguage).is_some() => {
            Cookie::WishedLanguage.remove(issuer)
        }
        None => None,
    };
    match cookie {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    }
}

/// The look of an environment.
pub fn branding(call: &PageCall) -> Arc<Branding> {
    Arc::clone(&call.environment.look.branding)
}

/// The application that people come from, as pages show it.
#[derive(Debug, Clone)]
pub struct Origin {
    name: String,
    logo: Logo,
}

impl Origin {
    /// Of this client.
    pub fn of(client: &Client) -> Self {
        Self { name: client.application.name.clone(), logo: shown_logo(&client.logo) }
    }

    /// Of the environment's own application: the product itself, whose logo the page has anyway.
    pub fn own(call: &PageCall) -> Self {
        Self { name: product_name(&call.environment.environment), logo: Logo::default() }
    }

    /// For a page.
    pub fn shown(&self) -> Application<'_> {
        Application { name: &self.name, logo: &self.logo }
    }
}

/// The application that a flow comes from.
///
/// # Errors
/// Database errors.
pub async fn origin(call: &PageCall, flow: &Flow) -> Result<Option<Origin>, PageError> {
    let Some(client_id) = flow.application else { return Ok(None) };
    let client = call.app.client(call.environment.id(), client_id).await?;
    Ok(client.as_deref().map(Origin::of))
}

/// The frame of a page.
pub fn frame<'a>(call: &'a PageCall, branding: &'a Branding) -> Frame<'a> {
    Frame {
        language: language(call),
        branding,
        branding_stylesheet: call.environment.look.stylesheet_path.as_deref(),
        base: call.environment.environment.issuer.base(),
        language_keeps: call.keeps.as_deref(),
    }
}

/// What a form of this flow carries.
#[derive(Debug)]
pub struct Carried {
    csrf: String,
    flow: String,
}

impl Carried {
    /// For a form of this flow.
    pub fn new(call: &PageCall, flow: Option<&Flow>) -> Self {
        Self { csrf: call.csrf(), flow: flow.and_then(|flow| flow.seal(call)).unwrap_or_default() }
    }

    /// A link to another page of the same flow.
    pub fn link(&self, path: &str) -> String {
        format!("{path}?flow={}", self.flow)
    }

    /// A form that is posted to this path.
    pub fn form<'a>(&'a self, action: &'a str, problem: Option<Problem>) -> Form<'a> {
        Form { action, csrf: &self.csrf, flow: &self.flow, problem }
    }
}

/// A page. `redirect_scheme` is the scheme that its forms may in the end lead to, besides our own origin.
pub fn reply(call: &PageCall, status: StatusCode, page: &impl Page, redirect_scheme: Option<&str>) -> Reply {
    reply_with(call, status, page.html(), redirect_scheme)
}

fn reply_with(call: &PageCall, status: StatusCode, html: String, redirect_scheme: Option<&str>) -> Reply {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'{}{}; frame-ancestors 'none'; base-uri 'none'",
        if redirect_scheme.is_some() { " " } else { "" },
        redirect_scheme.unwrap_or("")
    );
    let mut reply = Reply::empty(status)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
        .no_store();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        reply = reply.with(CONTENT_SECURITY_POLICY, policy);
    }
    reply.body = Bytes::from(html);
    let issuer = &call.environment.environment.issuer;
    match query_language(call).and_then(|language| Cookie::Language.set(language.tag(), LANGUAGE_LIFETIME, issuer)) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    }
}

/// Sends the browser on (303: with a GET, whatever it came with).
pub fn redirect(to: &str) -> Result<Reply, PageError> {
    let location = HeaderValue::try_from(to).map_err(|_| PageError::flow())?;
    Ok(Reply::empty(StatusCode::SEE_OTHER)
        .with(LOCATION, location)
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .no_store())
}

/// The page for what cannot go on.
pub fn stopped(call: &PageCall, stop: PageError) -> Reply {
    let branding = branding(call);
    let request_id = call.request_id.to_str().ok();
    // Nothing of what was asked is repeated, not even in a link to another language.
    let frame = Frame { language_keeps: None, ..frame(call, &branding) };
    let mut again_after = None;
    let (status, trouble) = match stop {
        PageError::AskFirst(host) => {
            let t = frame.language.texts();
            let happened = t.ask_first_what(&host);
            let (title, advice) = (t.ask_first(), t.ask_first_advice());
            let page = ErrorPage { frame, title, happened: &happened, advice, request_id, link: None };
            return reply(call, StatusCode::FORBIDDEN, &page, None);
        }
        PageError::WithWayOn(status, trouble, way) => {
            let link = Some((trouble.onward_label(frame.language), way.as_str()));
            return reply(call, status, &ErrorPage { link, ..ErrorPage::of(frame, trouble) }, None);
        }
        PageError::Trouble(status, trouble) => (status, trouble),
        PageError::Failure(failure) => {
            let error = failure.into_api_error();
            again_after = error::soonest(&error);
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, if status == StatusCode::TOO_MANY_REQUESTS { Trouble::Attempts } else { Trouble::Server })
        }
    };
    // What support is told by number stands in the log.
    let request_id = request_id.filter(|_| matches!(trouble, Trouble::Client | Trouble::Server));
    let page = reply(call, status, &ErrorPage { request_id, ..ErrorPage::of(frame, trouble) }, None);
    match again_after {
        Some(seconds) => error::retry_after(page, seconds),
        None => page,
    }
}
