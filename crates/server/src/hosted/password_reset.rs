//! A password was forgotten: a link by mail, good for an hour and once, sets a new one and ends every session.

use super::even_time::evenly;
use super::flow::Flow;
use super::login_uri;
use super::page::{Carried, Stop, branding, frame, language, redirect, reply};
use super::session;
use super::sign_in::{allowed, flow_of, mail_is_missing, refuse};
use super::sign_up::weakness;
use crate::domain::attempts;
use crate::domain::{Failure, password_resets};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::passwords::{Busy, SHORTEST};
use countersign_pages::{ForgotPassword, ForgotPasswordSent, Problem, ResetPassword, Trouble};
use countersign_protocol::model::is_email;
use countersign_protocol::secret::Secret;
use countersign_store::password_reset::PasswordReset;
use countersign_store::user;
use http::StatusCode;

fn too_old() -> Stop {
    Stop::Trouble(StatusCode::BAD_REQUEST, Trouble::Link)
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
    reply(call, status, &page, flow.leads_to.as_deref())
}

/// `GET /forgot-password`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get_forgot(call: &PageCall) -> Result<Reply, Stop> {
    let flow = flow_of(call)?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return refuse(call, &flow, Problem::NoPasswords).await;
    }
    let email = flow.email.clone().unwrap_or_default();
    Ok(show(call, &flow, &email, StatusCode::OK, None))
}

/// `POST /forgot-password`: the answer is the same, and takes the same time, whether there is such an account or not.
///
/// # Errors
/// A page for a flow that is not good, or for too many mails.
pub async fn post_forgot(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    let flow = Flow::open(call, form.get("flow")).ok_or_else(Stop::flow)?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return refuse(call, &flow, Problem::NoPasswords).await;
    }
    let email = form.get("email").unwrap_or("").trim();
    if mail_is_missing(call) {
        return Ok(show(call, &flow, email, StatusCode::OK, None));
    }
    if !is_email(email) {
        let problem = if email.is_empty() { Problem::EmailNeeded } else { Problem::EmailInvalid };
        return Ok(show(call, &flow, email, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)));
    }
    let (act, language) = (session::act(call), language(call));
    let (typed, from) = (email.to_owned(), call.peer.limit_key().to_string());
    let allowed = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            if !attempts::count_mail_of_page(tx, &act, "reset to", &typed, &from).await? {
                return Ok(false);
            }
            if let Some(user) = user::find_by_email(tx, act.environment_id, &typed).await? {
                password_resets::create(tx, &act, &user, language).await?;
            }
            Ok(true)
        })
    });
    if !evenly(allowed).await? {
        return Err(Stop::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts));
    }
    let branding = super::page::branding(call);
    let sign_in = flow.link(call, "/sign-in");
    let page = ForgotPasswordSent { frame: frame(call, &branding), email, sign_in: &sign_in };
    Ok(reply(call, StatusCode::OK, &page, None))
}

/// The reset that a token stands for, if it is still good.
async fn find(call: &PageCall, token: &str) -> Result<PasswordReset, Stop> {
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
    let page = ResetPassword { frame: frame(call, &branding), form, email, password_minimum: SHORTEST as u32 };
    reply(call, status, &page, None)
}

/// `GET /reset-password?token=…`. Opening the link uses nothing up: mail programs open links, too.
///
/// # Errors
/// A page for a link that is not good.
pub async fn get_reset(call: &PageCall) -> Result<Reply, Stop> {
    let query = call.query()?;
    let token = query.get("token").ok_or_else(too_old)?;
    if !allowed(call).password {
        return refuse(call, &Flow::home(call), Problem::NoPasswords).await;
    }
    let reset = find(call, token).await?;
    Ok(show_reset(call, token, &reset.email, StatusCode::OK, None))
}

/// `POST /reset-password`.
///
/// # Errors
/// A page for a link that is not good.
pub async fn post_reset(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    let token = form.get("flow").ok_or_else(too_old)?;
    if !allowed(call).password {
        return refuse(call, &Flow::home(call), Problem::NoPasswords).await;
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
    let act = session::act(call);
    let done = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move { Ok(password_resets::confirm(tx, &act, &reset, &hash).await?.is_some()) })
    });
    let done = done.await?;
    call.app.catch_up().await;
    if !done {
        return Err(too_old());
    }
    redirect("/sign-in")
}
