//! A password was forgotten: a link by mail, good for an hour and once, sets a new one and ends every session.

use super::email_code::{no_mail, remember};
use super::flow::Flow;
use super::login_uri;
use super::page::{Carried, PageError, branding, frame, language, redirect, reply};
use super::product_pages;
use super::response_timing::evenly;
use super::session;
use super::sign_in::{allowed, flow_of, mail_is_missing, refuse};
use super::sign_up::weakness;
use crate::domain::Failure;
use crate::domain::attempts;
use crate::domain::users::password_resets;
use crate::domain::users::password_resets::MINUTES;
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::passwords::{Busy, MIN_LENGTH};
use countersign_pages::{ForgotPassword, ForgotPasswordSent, Problem, ResetPassword, Trouble};
use countersign_protocol::model::{email_key, resembles_email};
use countersign_protocol::secret::Secret;
use countersign_store::password_reset::PasswordReset;
use countersign_store::user;
use http::StatusCode;
use http::header::SET_COOKIE;

fn too_old() -> PageError {
    PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link)
}

fn show(call: &PageCall, flow: &Flow, email: &str, status: StatusCode, problem: Option<Problem>) -> Reply {
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let sign_in = carried.link("/sign-in");
    let page = ForgotPassword {
        frame: frame(call, &branding),
        mail_is_missing: mail_is_missing(call),
        form: carried.form("/forgot-password", problem),
        email,
        sign_in: &sign_in,
    };
    reply(call, status, &page, flow.redirect_scheme.as_deref())
}

/// `GET /forgot-password`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get_forgot(call: &PageCall) -> Result<Reply, PageError> {
    let flow = flow_of(call)?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::NoPasswords).await;
    }
    let email = flow.email.clone().unwrap_or_default();
    Ok(show(call, &flow, &email, StatusCode::OK, None))
}

/// `POST /forgot-password`: the answer is the same, and takes the same time, whether there is such an account or not.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post_forgot(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::NoPasswords).await;
    }
    let email = form.get("email").unwrap_or("").trim();
    if mail_is_missing(call) {
        return Ok(show(call, &flow, email, StatusCode::OK, None));
    }
    if !resembles_email(email) {
        let problem = if email.is_empty() { Problem::EmailNeeded } else { Problem::EmailInvalid };
        return Ok(show(call, &flow, email, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)));
    }
    let (act, language) = (session::act(call), language(call));
    let (typed, from) = (email.to_owned(), call.peer.limit_key().to_string());
    let counted = call.app.store.write::<Result<(), Problem>, Failure, _>(move |tx| {
        Box::pin(async move {
            if let Err(why) = attempts::count_mail_of_page(tx, &act, attempts::RESET_MAILS, &typed, &from).await? {
                return Ok(Err(no_mail(&act, why)));
            }
            if let Some(user) = user::find_by_email(tx, act.environment_id, &typed).await? {
                password_resets::create(tx, &act, &user, language).await?;
            }
            Ok(Ok(()))
        })
    });
    if let Err(problem) = evenly(counted).await? {
        return Ok(show(call, &flow, email, StatusCode::TOO_MANY_REQUESTS, Some(problem)));
    }
    let branding = super::page::branding(call);
    let sign_in = flow.link(call, "/sign-in");
    let page = ForgotPasswordSent { frame: frame(call, &branding), email, sign_in: &sign_in };
    let sent = reply(call, StatusCode::OK, &page, None);
    // Who sets a new password in this browser goes on where they were.
    (flow.email, flow.challenge) = (Some(email.to_owned()), None);
    Ok(remember(call, flow.seal(call).unwrap_or_default(), MINUTES, sent))
}

/// The sign-in on which the password of this account was forgotten, if that was in this browser and is not too long ago.
fn interrupted(call: &PageCall, email: &str) -> Option<Flow> {
    let sealed = Cookie::CodeFlow.read(&call.headers, &call.environment.environment.issuer);
    let of_this_account = |flow: &Flow| flow.email.as_deref().is_some_and(|typed| email_key(typed) == email_key(email));
    Flow::open(call, sealed.as_deref()).filter(|flow| flow.challenge.is_none() && of_this_account(flow))
}

/// The reset that a token stands for, if it is still good.
async fn find(call: &PageCall, token: &str) -> Result<PasswordReset, PageError> {
    let mut reader = call.app.store.reader().await?;
    let found = password_resets::find_by_token(&mut reader, &session::act(call), token).await?;
    let now = call.app.clock.now();
    found.filter(|reset| reset.used_at.is_none() && now < reset.expires_at).ok_or_else(too_old)
}

fn show_reset(call: &PageCall, token: &str, email: &str, status: StatusCode, problem: Option<Problem>) -> Reply {
    let branding = branding(call);
    let carried = Carried::new(call, None);
    // The token goes along in the field that other pages carry their flow in.
    let form = countersign_pages::Form { flow: token, ..carried.form("/reset-password", problem) };
    let page = ResetPassword { frame: frame(call, &branding), form, email, password_minimum: MIN_LENGTH as u32 };
    reply(call, status, &page, None)
}

/// `GET /reset-password?token=…`. Opening the link uses nothing up: mail programs open links, too.
///
/// # Errors
/// A page for a link that is not good.
pub async fn get_reset(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let token = query.get("token").ok_or_else(too_old)?;
    if !allowed(call).password {
        return refuse(call, &Flow::home(call), StatusCode::FORBIDDEN, Problem::NoPasswords).await;
    }
    let reset = find(call, token).await?;
    Ok(show_reset(call, token, &reset.email, StatusCode::OK, None))
}

/// `POST /reset-password`.
///
/// # Errors
/// A page for a link that is not good.
pub async fn post_reset(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let token = form.get("flow").ok_or_else(too_old)?;
    if !allowed(call).password {
        return refuse(call, &Flow::home(call), StatusCode::FORBIDDEN, Problem::NoPasswords).await;
    }
    let reset = find(call, token).await?;
    let password = form.get("password").unwrap_or("");
    let problem = if password.is_empty() { Some(Problem::PasswordNeeded) } else { weakness(password, &[&reset.email]) };
    if problem.is_some() {
        return Ok(show_reset(call, token, &reset.email, StatusCode::UNPROCESSABLE_ENTITY, problem));
    }
    let Ok(hash) = call.app.passwords.hash(Secret::new(password.to_owned())).await.map_err(|Busy| ()) else {
        return Ok(show_reset(call, token, &reset.email, StatusCode::SERVICE_UNAVAILABLE, Some(Problem::Busy)));
    };
    let (act, language, email) = (session::act(call), language(call), reset.email.clone());
    let done = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move { Ok(password_resets::confirm(tx, &act, &reset, &hash, Some(language)).await?.is_some()) })
    });
    let done = done.await?;
    call.app.catch_up().await;
    if !done {
        return Err(too_old());
    }
    let interrupted = interrupted(call, &email);
    let away = if interrupted.is_none() { product_pages::begin(call, &[])? } else { None };
    let reply = match away {
        Some(away) => away,
        None => {
            let mut flow = interrupted.unwrap_or_else(|| Flow::home(call));
            flow.email = Some(email);
            redirect(&format!("{}&saved=password", flow.link(call, "/sign-in/password")))?
        }
    };
    Ok(match Cookie::CodeFlow.remove(&call.environment.environment.issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}
