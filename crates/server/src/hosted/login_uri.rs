//! Signing in elsewhere (Standalone Connect): where a login URI is in force, nobody signs in at our own pages on the way to
//! an application. The browser is sent there, the company says who it was, and the browser comes back.

use super::flow::{Flow, Target};
use super::page::{PageError, redirect};
use super::session::{self, Current, Proven};
use super::sign_in;
use crate::domain::Failure;
use crate::domain::connect::external_authentications;
use crate::domain::environments::standalone;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::Trouble;
use countersign_protocol::model::{LoginUri, StandaloneSubject, User};
use countersign_protocol::oauth::authorize::decision::needs_consent;
use countersign_protocol::oauth::authorize::request::without_unknown;
use countersign_protocol::oauth::client::Client;
use countersign_store::{external_authentication, session_login};
use http::StatusCode;

/// Where the people of an application sign in; `None` is here.
pub fn of<'a>(call: &'a PageCall, client: &'a Client) -> Option<&'a LoginUri> {
    client.login_uri.as_ref().or(call.environment.standalone.login_uri.as_ref())
}

/// The subject of tokens of this application about a person, where it is not their identifier here.
pub fn subject(call: &PageCall, client: &Client, user: &User) -> Option<String> {
    let external = call.environment.standalone.subject == StandaloneSubject::ExternalId && of(call, client).is_some();
    user.external_id.clone().filter(|_| external)
}

/// Whether an ID token of this application with this subject is about a person. One from before the login URI was in force,
/// or the subject another, names their identifier here.
pub fn names(call: &PageCall, client: &Client, sub: &str, user: &User) -> bool {
    sub == user.id.to_string() || subject(call, client, user).is_some_and(|subject| sub == subject)
}

/// Who is signed in, as far as it counts for this application: here, with a proven address; where people sign in elsewhere, only who has signed in
/// at this very login, and when they did. Else a sign-in at our own pages would be a way around.
///
/// # Errors
/// Database errors.
pub async fn current(call: &PageCall, client: &Client) -> Result<Option<Current>, PageError> {
    match session::current(call).await? {
        Some(current) => counted(call, client, current).await,
        None => Ok(None),
    }
}

/// Who is signed in, as far as it counts for this application.
///
/// # Errors
/// Database errors.
pub async fn counted(call: &PageCall, client: &Client, mut current: Current) -> Result<Option<Current>, PageError> {
    // Where people sign in elsewhere, the company answers for their addresses.
    let Some(uri) = of(call, client) else {
        return Ok(session::counts_here(call, current).await?.filter(|current| current.user.email_verified));
    };
    // The identifier that the company gave may have been changed since, by its own hand.
    let Some(external_id) = &current.user.external_id else { return Ok(None) };
    let mut reader = call.app.store.reader().await?;
    let (environment_id, own) = (call.environment.id(), Some(current.user.id));
    if standalone::names_another(&mut reader, environment_id, external_id, own).await? {
        return Ok(None);
    }
    // One login does not speak for another, nor a sign-in here for it, and not about choices when it was not to be asked about them.
    let Some(login) = session_login::find(&mut reader, environment_id, current.session.id, uri).await? else {
        return Ok(None);
    };
    let longest = call.environment.environment.sessions.maximum_length;
    if call.app.clock.now() >= login.authenticated_at.plus_secs(longest) {
        return Ok(None);
    }
    if needs_consent(client) {
        let Some(options) = login.consent_options else { return Ok(None) };
        current.options = options;
    }
    current.session.authenticated_at = login.authenticated_at;
    Ok(Some(current))
}

/// Lets a person sign in: at this page of ours, or away.
///
/// # Errors
/// Database errors, and a page for too many tries.
pub async fn sign_in(call: &PageCall, flow: Flow, client: &Client, page: &str) -> Result<Reply, PageError> {
    match of(call, client) {
        None if call.asks_for_a_page() && page == "/sign-in" => sign_in::begin(call, flow).await,
        None => redirect(&flow.link(call, page)),
        Some(uri) => Box::pin(leave(call, flow, client, uri)).await,
    }
}

/// Where a flow does not go on at our own sign-in pages: the way to where it does.
///
/// # Errors
/// As [`sign_in`].
pub async fn instead(call: &PageCall, flow: &Flow) -> Result<Option<Reply>, PageError> {
    if !matches!(flow.target, Target::Authorize(_) | Target::Device(_)) {
        return Ok(None);
    }
    let Some(client_id) = flow.application else { return Ok(None) };
    let Some(client) = call.app.client(call.environment.id(), client_id).await? else { return Ok(None) };
    match of(call, &client) {
        None => Ok(None),
        Some(uri) => Box::pin(leave(call, flow.clone(), &client, uri)).await.map(Some),
    }
}

async fn leave(call: &PageCall, mut flow: Flow, client: &Client, uri: &LoginUri) -> Result<Reply, PageError> {
    // What was done at our own pages before counts no more.
    (flow.email, flow.challenge, flow.signs_up) = (None, None, false);
    (flow.shown_to, flow.shown_since) = (None, None);
    (flow.first_proof, flow.factor_secret) = (None, None);
    if let Target::Authorize(query) = &mut flow.target {
        *query = without_unknown(query);
    }
    let sealed = flow.seal(call).ok_or_else(PageError::flow)?;
    let (act, application_id, sent) = (session::act(call), client.application.id, (uri.clone(), sealed));
    let from = call.peer.limit_key().to_string();
    let begun = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { external_authentications::begin(tx, &act, application_id, sent, &from).await })
    });
    match begun.await.map_err(PageError::without_application)? {
        Ok(id) => redirect(&uri.with(id)),
        Err(_) => Err(PageError::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts)),
    }
}

/// `GET /oauth2/authorize/complete`: the browser is back. It is the one that was sent away, and the address that it was
/// given is used for the first time, in time: then the person is who the company has said.
///
/// # Errors
/// A page for an address that is used, too old, or another browser's.
pub async fn complete(call: &PageCall) -> Result<Reply, PageError> {
    let refused = |trouble| PageError::Trouble(StatusCode::BAD_REQUEST, trouble);
    let query = call.query()?;
    let token = query.get("token").ok_or_else(|| refused(Trouble::SignInOver))?;
    let digest = call.app.keyring.external_authentication.digest(token);
    let mut reader = call.app.store.reader().await?;
    let found = external_authentication::find_by_token(&mut reader, call.environment.id(), &digest).await?;
    drop(reader);
    let found = found.ok_or_else(|| refused(Trouble::SignInOver))?;
    // Another browser uses nothing up, and learns nothing.
    let flow = Flow::open(call, Some(&found.sealed_flow)).ok_or_else(|| refused(Trouble::OtherBrowser))?;
    if found.used_at.is_some() {
        return Err(refused(Trouble::SignInUsed));
    }
    let Some(completed) = found.completed else { return Err(refused(Trouble::SignInOver)) };
    let act = session::act(call);
    if act.now >= found.expires_at {
        return Err(refused(Trouble::SignInOver));
    }
    let proven = call.app.store.write::<Option<Proven>, Failure, _>(move |tx| {
        Box::pin(async move {
            let first = external_authentications::use_up(tx, &act, found.id, &completed).await?;
            Ok(first.then(|| Proven::elsewhere(completed, found.login_uri)))
        })
    });
    let proven = proven.await?.ok_or_else(|| refused(Trouble::SignInUsed))?;
    session::start(call, proven, None, flow).await
}
