//! The way out: of this browser, asked first; where an application sends people, back to it (OpenID Connect RP-Initiated
//! Logout 1.0).

use super::authorize::{MAX_LENGTH, redirect_scheme};
use super::flow::{Flow, Target};
use super::page::{Carried, PageError, branding, frame, keep_requested_language, redirect, reply};
use super::{login_uri, product_pages, session};
use crate::domain::sessions::backchannel_logout::session_name;
use crate::domain::{Failure, sessions};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::keys::rotation::KNOWN;
use crate::user_management::refresh_token_cookie;
use countersign_pages::{SignOutConfirm, SignedOut, Trouble};
use countersign_protocol::id::{SessionId, UserId};
use countersign_protocol::jose::UnverifiedToken;
use countersign_protocol::model::{KeyPurpose, RedirectPurpose};
use countersign_protocol::oauth::authorize::redirect::{ProvenRedirect, prove, prove_listed};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::params::Params;
use countersign_store::session as stored;
use http::StatusCode;
use std::sync::Arc;

/// `GET /sign-out`: asks.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    // A flow that is lost or too old leads nowhere; signing out is what counts.
    let flow = Flow::open(call, query.get("flow")).unwrap_or_else(|| Flow::begin(call, Target::Account));
    let onward = after(call, &flow).await?;
    let Some(current) = session::current(call).await? else { return redirect(onward.address()) };
    let branding = branding(call);
    let carried = Carried::new(call, Some(&flow));
    let page = SignOutConfirm {
        frame: frame(call, &branding),
        form: carried.form("/sign-out", None),
        email: &current.user.email,
        application: onward.0.as_ref().map(|(client, _)| client.application.name.as_str()),
    };
    Ok(reply(call, StatusCode::OK, &page, redirect_scheme(onward.address()).as_deref()))
}

/// `POST /sign-out`.
///
/// # Errors
/// Database errors.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    if form.get("decision") != Some("sign_out") {
        return redirect(&Flow::home(call).resume(call));
    }
    let onward = match Flow::open(call, form.get("flow")) {
        Some(flow) => after(call, &flow).await?,
        None => SignOutTarget(None),
    };
    let reply = redirect(onward.address())?;
    session::end(call, reply).await
}

/// Where somebody goes on who has signed out: back to an application, or to a page of ours.
struct SignOutTarget(Option<(Arc<Client>, String)>);

impl SignOutTarget {
    fn address(&self) -> &str {
        self.0.as_ref().map_or("/signed-out", |(_, address)| address)
    }
}

/// Where a flow leads that is to sign out, by what the application has registered by now.
async fn after(call: &PageCall, flow: &Flow) -> Result<SignOutTarget, PageError> {
    let Target::SignOut(query) = &flow.target else { return Ok(SignOutTarget(None)) };
    let query = Params::from_form(query.as_bytes())?;
    let Some(name) = query.get("client_id").and_then(ClientName::parse) else { return Ok(SignOutTarget(None)) };
    let Some(client) = call.app.client_named(&call.environment, &name).await? else { return Ok(SignOutTarget(None)) };
    let address = query.get(BACK).and_then(|wanted| prove(&client, wanted)).map(|to| back(&to, query.get("state")));
    Ok(SignOutTarget(address.filter(|_| client.registered.is_none()).map(|address| (client, address))))
}

/// The parameter that says where people go on.
const BACK: &str = "post_logout_redirect_uri";

/// The address at which an application gets its people back.
fn back(to: &ProvenRedirect, state: Option<&str>) -> String {
    match state {
        Some(state) => to.with_query(&[("state", state)]),
        None => to.as_str().to_owned(),
    }
}

/// `GET /signed-out`.
///
/// # Errors
/// Never; the type is that of a page.
pub async fn done(call: &PageCall) -> Result<Reply, PageError> {
    let branding = branding(call);
    let frame = frame(call, &branding);
    let again = frame.language.texts().sign_in_again();
    let sign_in = format!("{}/sign-in", frame.base);
    let page = SignedOut { frame, link: Some((again, &sign_in)) };
    Ok(reply(call, StatusCode::OK, &page, None))
}

/// `GET /oauth2/logout` (OpenID Connect RP-Initiated Logout 1.0 §2): with an ID token of ours for the very person who is
/// signed in, and for no other session of theirs, the session ends; else the person is asked. Either way an application that named where people are to go on has
/// them sent there.
///
/// # Errors
/// Database errors.
pub async fn end_session(call: &PageCall) -> Result<Reply, PageError> {
    Ok(keep_requested_language(call, end(call).await?))
}

async fn end(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let hint = query.get("id_token_hint").and_then(|token| id_token(call, token));
    let named = query.get("client_id").or(hint.as_ref().map(|hint| hint.aud.as_str()));
    // An ID token and a client that do not belong together prove nothing.
    if hint.as_ref().is_some_and(|hint| named != Some(hint.aud.as_str())) {
        return Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Application));
    }
    let client = match named.and_then(ClientName::parse) {
        Some(name) => call.app.client_named(&call.environment, &name).await?,
        None => None,
    };
    let current = session::current(call).await?;
    let proven = match (&current, &hint) {
        (None, _) => true,
        (Some(current), Some(hint)) => match client.as_deref() {
            Some(client) => {
                let here = session_name(&call.app.keyring, current.session.id, client.application.client_id);
                hint.sid.as_ref().is_none_or(|sid| *sid == here)
                    && login_uri::names(call, client, &hint.sub, &current.user)
            }
            None => hint.sub == current.user.id.to_string(),
        },
        (Some(_), None) => false,
    };
    let onward = match (&client, query.get(BACK)) {
        (Some(client), Some(wanted)) => {
            // Only to a redirect URI that is registered, as it is registered (§3).
            let Some(to) = prove(client, wanted) else {
                return Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Application));
            };
            // Anybody can register a client, and have an ID token of their own from it: it leads nowhere but those who have
            // signed in to it themselves and are still there.
            let leads = client.registered.is_none() || (proven && current.is_some());
            leads.then(|| (client.application.client_id.to_string(), to))
        }
        _ => None,
    };
    let state = query.get("state");
    match onward {
        Some((client_id, to)) if !proven => {
            let mut asked = url::form_urlencoded::Serializer::new(String::new());
            asked.append_pair("client_id", &client_id).append_pair(BACK, to.as_str());
            if let Some(state) = state {
                asked.append_pair("state", state);
            }
            let asked = asked.finish();
            if asked.len() > MAX_LENGTH {
                return redirect("/sign-out");
            }
            let mut flow = Flow::begin(call, Target::SignOut(asked));
            flow.redirect_scheme = redirect_scheme(to.as_str());
            redirect(&flow.link(call, "/sign-out"))
        }
        None if !proven => redirect("/sign-out"),
        onward => {
            let onward = onward.map(|(_, to)| back(&to, state));
            let reply = redirect(onward.as_deref().unwrap_or("/signed-out"))?;
            session::end(call, reply).await
        }
    }
}

/// `POST /oauth2/logout`: the same, asked again with a GET.
///
/// # Errors
/// A page for a form that is not good.
pub async fn end_session_posted(call: &PageCall) -> Result<Reply, PageError> {
    call.form()?;
    let query = std::str::from_utf8(&call.body).map_err(|_| PageError::flow())?;
    if query.len() > 8192 || !query.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'#')) {
        return Err(PageError::flow());
    }
    redirect(&format!("/oauth2/logout?{query}"))
}

/// `GET /user_management/sessions/logout`: the session that is named ends, and so does this browser's, if it is of the same
/// person. Who knows the identifier of a session may end it; that is how applications sign people out.
///
/// # Errors
/// 422 without a session; database errors.
pub async fn of_own_application(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let Some(session_id) = query.get("session_id") else {
        return Err(PageError::Trouble(StatusCode::UNPROCESSABLE_ENTITY, Trouble::Address));
    };
    let uris = || call.environment.redirect_uris(RedirectPurpose::SignOut);
    // Only where the environment has people sent: anything else is as if it were not there.
    let wanted = query.get("return_to");
    let wanted = wanted.and_then(|wanted| prove_listed(uris().map(|known| known.uri.as_str()), wanted));
    let onward = match &wanted {
        Some(proven) => proven.as_str(),
        None => {
            let default = uris().find(|known| known.default).map(|known| known.uri.as_str());
            default.or_else(|| product_pages::home(call)).unwrap_or("/signed-out")
        }
    };
    let mut reply = redirect(onward)?;
    reply.status = StatusCode::FOUND;
    let current = session::current(call).await?;
    let ended = match SessionId::parse(session_id) {
        Ok(id) => {
            let act = session::act(call);
            call.app
                .store
                .write::<Option<UserId>, Failure, _>(move |tx| {
                    Box::pin(async move {
                        sessions::end(tx, &act, id).await?;
                        Ok(stored::find(tx, act.environment_id, id).await?.map(|session| session.user_id))
                    })
                })
                .await?
        }
        Err(_) => None,
    };
    if refresh_token_cookie::is_over(&call.app, &session::act(call), &call.headers).await? {
        reply = refresh_token_cookie::forget(reply, &call.headers, &call.environment);
    }
    match current {
        Some(current) if ended != Some(current.user.id) => Ok(reply),
        _ => session::end(call, reply).await,
    }
}

/// What an ID token must say to be a hint. It may have expired (§4).
#[derive(Debug, serde::Deserialize)]
pub(super) struct Hint {
    iss: String,
    /// The client it was issued to.
    pub(super) aud: String,
    iat: i64,
    /// The person.
    pub(super) sub: String,
    // Access tokens have these: they are no ID tokens.
    jti: Option<String>,
    /// The session, for applications that are told of its end.
    sid: Option<String>,
}

pub(super) fn id_token(call: &PageCall, token: &str) -> Option<Hint> {
    let unverified = UnverifiedToken::decode(token).ok()?;
    let (key, signed_until) = match call.environment.verifier(unverified.kid()) {
        Some((KeyPurpose::Delegated, key)) => (key, None),
        Some(_) => return None,
        None => {
            let (key, until) = call.environment.past_verifier(unverified.kid())?;
            (key, Some(until))
        }
    };
    let hint: Hint = key.verify(&unverified).ok()?;
    // What such a key signed itself says no later time, and it is known for so long, whether or not others follow it.
    let now = call.app.clock.now();
    if signed_until.is_some_and(|until| hint.iat > until.as_secs() || now >= until.plus_secs(KNOWN)) {
        return None;
    }
    (hint.iss == call.environment.environment.issuer.as_str() && hint.jti.is_none()).then_some(hint)
}
