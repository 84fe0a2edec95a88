//! Pages whose refresh token the browser keeps, where no script reads it (what `authkit-js` does outside of development).
//!
//! A page is such a one when its origin is listed, it has no secret, and the browser has sent a cookie of ours along: then
//! the page has asked for cookies, and it and we are of one site, so that the browser sends them the next time, too. Any
//! other gets its refresh token in the answer.
//!
//! The cookie counts for listed origins only: a page of a neighbour's, whose requests carry it as well, does nothing with
//! it. That there is one, the page learns by [`MARKER`].

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::domain::{Act, Failure, sessions};
use crate::http::cookies::{Cookie, named};
use crate::http::oauth_call::OAuthCall;
use crate::http::reply::Reply;
use countersign_protocol::id::SessionFamilyId;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::secret::Secret;
use countersign_protocol::user_management::has_session_cookie::{MARKER, Reach, marked, reach, unmarked};
use countersign_store::{session, session_family};
use http::header::{ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// A page whose refresh token the browser keeps.
#[derive(Debug)]
pub struct Page<'a> {
    call: &'a OAuthCall,
    origin: &'a str,
    token: Option<Secret>,
}

impl<'a> Page<'a> {
    /// The page that makes this call, if it is such a one.
    pub fn of(call: &'a OAuthCall, params: &Params<'_>) -> Option<Self> {
        let origin = call.headers.get(ORIGIN).filter(|origin| call.environment.allows_origin(origin.as_bytes()))?;
        let issuer = &call.environment.environment.issuer;
        let token = Cookie::Refresh.read(&call.headers, issuer);
        let sends_cookies = token.is_some() || Cookie::Browser.read(&call.headers, issuer).is_some();
        let keeps_its_own = params.get("client_secret").is_some() || params.get("refresh_token").is_some();
        let origin = origin.to_str().ok().filter(|_| sends_cookies && !keeps_its_own)?;
        Some(Self { call, origin, token: token.map(Secret::new) })
    }

    /// The token that the browser keeps for it.
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(Secret::expose)
    }

    /// Has the browser keep a token, and tells the page that it does.
    pub fn keep(&self, reply: Reply, token: &Secret) -> Reply {
        let environment = &self.call.environment.environment;
        let seconds = environment.sessions.maximum_length;
        let known = named(&self.call.headers, MARKER).unwrap_or("");
        let marker = reach(environment.issuer.as_str(), self.origin).and_then(|reach| {
            marker(&marked(known, environment.client_id), seconds, &reach, environment.issuer.is_https())
        });
        let cookie = Cookie::Refresh.set(token.expose(), seconds, &environment.issuer);
        [cookie, marker].into_iter().flatten().fold(reply, |reply, cookie| reply.with(SET_COOKIE, cookie))
    }
}

/// The header that sets the marker, which scripts do read.
fn marker(value: &str, seconds: i64, reach: &Reach, https: bool) -> Option<HeaderValue> {
    let domain = match reach {
        Reach::Host => String::new(),
        Reach::Domain(domain) => format!("; Domain={domain}"),
    };
    let secure = if https { "; Secure" } else { "" };
    let seconds = if value.is_empty() { 0 } else { seconds };
    HeaderValue::try_from(format!("{MARKER}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{domain}{secure}")).ok()
}

/// Takes both cookies away. Where the marker was set is known by the pages that there may be.
pub fn forget(reply: Reply, headers: &HeaderMap, state: &EnvironmentState) -> Reply {
    let environment = &state.environment;
    let (issuer, seconds) = (&environment.issuer, environment.sessions.maximum_length);
    let left = unmarked(named(headers, MARKER).unwrap_or(""), environment.client_id);
    // Ends of one host's name: there are few, however many pages there are.
    let mut reaches: Vec<Reach> = state.origins().filter_map(|origin| reach(issuer.as_str(), origin)).collect();
    reaches.sort_unstable();
    reaches.dedup();
    let markers = reaches.iter().map(|reach| marker(&left, seconds, reach, issuer.is_https()));
    let cookies = std::iter::once(Cookie::Refresh.remove(issuer)).chain(markers).flatten();
    cookies.fold(reply, |reply, cookie| reply.with(SET_COOKIE, cookie))
}

/// Whether the browser keeps a token whose session is over.
///
/// # Errors
/// Database errors.
pub async fn is_over(app: &App, act: &Act, headers: &HeaderMap) -> Result<bool, Failure> {
    let Some(kept) = Cookie::Refresh.read(headers, &act.issuer) else { return Ok(false) };
    let key = &app.keyring.session_refresh_token;
    let Some(token) = RefreshToken::<SessionFamilyId>::read(&kept, key, act.environment_id) else { return Ok(true) };
    let mut reader = app.store.reader().await?;
    let Some(family) = session_family::find(&mut reader, act.environment_id, token.family_id).await? else {
        return Ok(true);
    };
    let session = session::find(&mut reader, act.environment_id, family.session_id).await?;
    Ok(session.is_none_or(|session| !sessions::is_live(act, &session)))
}
