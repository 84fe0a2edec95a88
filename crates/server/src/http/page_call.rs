//! Calls of the hosted pages: a browser, an environment by host, and forms that only our own pages can post.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::http::cookies::Cookie;
use crate::http::peer::Peer;
use crate::http::public_call::PathParams;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use countersign_protocol::form_data::{self, Part};
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::params::Params;
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::sync::Arc;

/// How long a browser keeps its name, in seconds.
const BROWSER_LIFETIME: i64 = 400 * 86_400;

/// A call from a browser.
#[derive(Debug)]
pub struct PageCall {
    /// The server.
    pub app: Arc<App>,
    /// The environment whose issuer the host is.
    pub environment: Arc<EnvironmentState>,
    /// The caller.
    pub peer: Peer,
    /// What the path names.
    pub path: PathParams,
    /// The headers.
    pub headers: HeaderMap,
    /// The method.
    pub method: Method,
    /// The whole URI.
    pub uri: Uri,
    /// The body of a post.
    pub body: Bytes,
    /// The query of a GET, but for the language: what a link to the same page in another language keeps.
    pub keeps: Option<String>,
    /// Names the browser.
    pub browser: String,
    /// What the request is called in the log.
    pub request_id: HeaderValue,
    browser_is_new: bool,
}

/// What a browser call is made of.
#[derive(Debug)]
pub struct PageParts {
    /// The caller.
    pub peer: Peer,
    /// What the path names.
    pub path: PathParams,
    /// The head.
    pub parts: http::request::Parts,
    /// The body of a post.
    pub body: Bytes,
    /// What the request is called in the log.
    pub request_id: HeaderValue,
}

impl PageCall {
    /// A call.
    ///
    /// # Errors
    /// When random bytes cannot be obtained for a browser that has no name yet.
    pub fn new(
        app: Arc<App>,
        environment: Arc<EnvironmentState>,
        page: PageParts,
    ) -> Result<Self, crate::entropy::NoEntropy> {
        let PageParts { peer, path, parts, body, request_id } = page;
        let known = Cookie::Browser.read(&parts.headers, &environment.environment.issuer);
        let browser_is_new = known.is_none();
        let browser = match known {
            Some(browser) => browser,
            None => URL_SAFE_NO_PAD.encode(app.entropy.bytes::<24>()?),
        };
        let keeps = (parts.method == http::Method::GET).then(|| {
            let pairs = parts
                .uri
                .query()
                .unwrap_or("")
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
            pairs.collect::<Vec<_>>().join("&")
        });
        Ok(Self {
            keeps,
            app,
            environment,
            peer,
            path,
            method: parts.method,
            headers: parts.headers,
            uri: parts.uri,
            body,
            browser,
            request_id,
            browser_is_new,
        })
    }

    /// Whether a page is asked for, and not posted to.
    pub fn asks_for_a_page(&self) -> bool {
        self.keeps.is_some()
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// When they are not well formed, or one comes twice.
    pub fn query(&self) -> Result<Params<'_>, OAuthError> {
        Params::from_form(self.uri.query().unwrap_or("").as_bytes())
    }

    /// The fields of the form that was posted.
    ///
    /// # Errors
    /// When they are not well formed, or one comes twice.
    pub fn form(&self) -> Result<Params<'_>, OAuthError> {
        match self.boundary() {
            None => Params::from_long_form(&self.body),
            Some(boundary) => Params::from_parts(&self.parts(boundary)?),
        }
    }

    /// The file that was handed in with the form under this name, if one was.
    ///
    /// # Errors
    /// When the form is not well formed.
    pub fn file(&self, name: &str) -> Result<Option<&[u8]>, OAuthError> {
        let Some(boundary) = self.boundary() else { return Ok(None) };
        let parts = self.parts(boundary)?;
        let found = parts.into_iter().find(|part| part.is_file && part.name == name);
        Ok(found.map(|part| part.content).filter(|content| !content.is_empty()))
    }

    fn boundary(&self) -> Option<&str> {
        form_data::boundary(self.headers.get(CONTENT_TYPE)?.to_str().ok()?)
    }

    fn parts(&self, boundary: &str) -> Result<Vec<Part<'_>>, OAuthError> {
        form_data::parse(boundary, &self.body).map_err(|wrong| OAuthError::invalid_request(wrong.to_string()))
    }

    /// What proves that a form came from a page that this browser got from us.
    pub fn csrf(&self) -> String {
        let bound = format!("{} {}", self.environment.id(), self.browser);
        self.app.keyring.csrf.digest(&bound).to_base64url()
    }

    /// Whether a post came from one of our own pages in this browser.
    pub fn is_ours(&self) -> bool {
        let same_origin = self.headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
        let bound = format!("{} {}", self.environment.id(), self.browser);
        let digest = self.app.keyring.csrf.digest(&bound);
        !self.browser_is_new
            && same_origin
            && self.form().is_ok_and(|form| form.get("csrf").is_some_and(|token| digest.matches_base64url(token)))
    }

    /// The answer, where the environment's pages are below a path: a redirect to a page of ours leads there.
    fn below_base(&self, reply: Reply) -> Reply {
        let base = self.environment.environment.issuer.base();
        if base.is_empty() {
            return reply;
        }
        reply.map(&LOCATION, |to| {
            let path = to.to_str().ok().filter(|path| path.starts_with('/'))?;
            HeaderValue::try_from(format!("{base}{path}")).ok()
        })
    }

    /// The answer, with the browser's name if it has just got one.
    #[must_use]
    pub fn finish(&self, reply: Reply) -> Reply {
        let reply = self.below_base(reply);
        // On pages only: a post from another site comes without the cookie, and must not replace it.
        let cookie = (self.browser_is_new && self.asks_for_a_page())
            .then(|| Cookie::Browser.set(&self.browser, BROWSER_LIFETIME, &self.environment.environment.issuer));
        match cookie.flatten() {
            Some(cookie) => reply.with(SET_COOKIE, cookie),
            None => reply,
        }
    }
}
