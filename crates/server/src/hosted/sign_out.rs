//! The way out: of this browser, asked first; where an application sends people, back to it (OpenID Connect RP-Initiated
//! Logout 1.0).

use super::flow::{Flow, Target};
use super::page::{Carried, Stop, branding, frame, redirect, reply};
use super::session;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{SignOutConfirm, SignedOut, Trouble};
use countersign_protocol::id::ClientId;
use countersign_protocol::jose::UnverifiedToken;
use countersign_protocol::model::ApplicationKind;
use countersign_protocol::oauth::client::Client;
use http::StatusCode;

/// `GET /sign-out`: asks.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PageCall) -> Result<Reply, Stop> {
    let Some(current) = session::current(call).await? else { return redirect("/signed-out") };
    let branding = branding(call);
    let flow = Flow::begin(call, Target::Account);
    let carried = Carried::new(call, Some(&flow));
    let page = SignOutConfirm {
        frame: frame(call, &branding),
        form: carried.form("/sign-out", None),
        email: &current.user.email,
    };
    Ok(reply(call, StatusCode::OK, &page, None))
}

/// `POST /sign-out`.
///
/// # Errors
/// Database errors.
pub async fn post(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    if form.get("decision") != Some("sign_out") {
        return redirect("/account");
    }
    let reply = redirect("/signed-out")?;
    session::end(call, reply).await
}

/// `GET /signed-out`.
///
/// # Errors
/// Never; the type is that of a page.
pub async fn done(call: &PageCall) -> Result<Reply, Stop> {
    let branding = branding(call);
    let frame = frame(call, &branding);
    let again = frame.language.texts().sign_in_again();
    let page = SignedOut { frame, link: Some((again, "/sign-in")) };
    Ok(reply(call, StatusCode::OK, &page, None))
}

/// Where an application may have the browser sent after the sign-out: to one of its registered redirect URIs' origins.
fn return_to(client: &Client, wanted: &str) -> Option<String> {
    let ApplicationKind::OAuth { redirect_uris, .. } = &client.application.kind else { return None };
    let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    let wanted_origin = origin(wanted)?;
    let known = redirect_uris.iter().any(|entry| origin(&entry.uri) == Some(wanted_origin.clone()));
    let plain = wanted.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && !wanted.contains('#');
    (known && plain && wanted.len() <= 2048).then(|| wanted.to_owned())
}

/// `GET /oauth2/logout` (OpenID Connect RP-Initiated Logout 1.0 §2): with an ID token of ours for the very person who is
/// signed in, the session ends; else the person is asked.
///
/// # Errors
/// Database errors.
pub async fn end_session(call: &PageCall) -> Result<Reply, Stop> {
    let query = call.query()?;
    let hint = query.get("id_token_hint").and_then(|token| id_token(call, token));
    let named = query.get("client_id").or(hint.as_ref().map(|hint| hint.aud.as_str()));
    // An ID token and a client that do not belong together prove nothing.
    if hint.as_ref().is_some_and(|hint| named != Some(hint.aud.as_str())) {
        return Err(Stop::Trouble(StatusCode::BAD_REQUEST, Trouble::Application));
    }
    let client = match named.and_then(|id| ClientId::parse(id).ok()) {
        Some(client_id) => call.app.client(call.environment.id(), client_id).await?,
        None => None,
    };
    let onward = match (client, query.get("post_logout_redirect_uri")) {
        (Some(client), Some(wanted)) => {
            let Some(to) = return_to(&client, wanted) else {
                return Err(Stop::Trouble(StatusCode::BAD_REQUEST, Trouble::Application));
            };
            let separator = if to.contains('?') { '&' } else { '?' };
            let state = query.get("state").map(|state| {
                let mut pair = url::form_urlencoded::Serializer::new(String::new());
                format!("{separator}{}", pair.append_pair("state", state).finish())
            });
            Some(format!("{to}{}", state.unwrap_or_default()))
        }
        _ => None,
    };
    let current = session::current(call).await?;
    let proven = match (&current, &hint) {
        (None, _) => true,
        (Some(current), Some(hint)) => hint.sub == current.user.id.to_string(),
        (Some(_), None) => false,
    };
    if !proven {
        return redirect("/sign-out");
    }
    let reply = redirect(onward.as_deref().unwrap_or("/signed-out"))?;
    session::end(call, reply).await
}

/// `POST /oauth2/logout`: the same, asked again with a GET.
///
/// # Errors
/// A page for a form that is not good.
pub async fn end_session_posted(call: &PageCall) -> Result<Reply, Stop> {
    call.form()?;
    let query = std::str::from_utf8(&call.body).map_err(|_| Stop::flow())?;
    if query.len() > 8192 || !query.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'#')) {
        return Err(Stop::flow());
    }
    redirect(&format!("/oauth2/logout?{query}"))
}

/// What an ID token must say to be a hint. It may have expired (§4).
#[derive(Debug, serde::Deserialize)]
struct Hint {
    iss: String,
    aud: String,
    sub: String,
    // Access tokens have these: they are no ID tokens.
    jti: Option<String>,
}

fn id_token(call: &PageCall, token: &str) -> Option<Hint> {
    let unverified = UnverifiedToken::decode(token).ok()?;
    let hint: Hint = call.environment.verifier(unverified.kid())?.verify(&unverified).ok()?;
    (hint.iss == call.environment.environment.issuer.as_str() && hint.jti.is_none()).then_some(hint)
}
