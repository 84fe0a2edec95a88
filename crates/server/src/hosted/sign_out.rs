//! The way out: of this browser, asked first; where an application sends people, back to it (OpenID Connect RP-Initiated
//! Logout 1.0).

use super::flow::{Flow, Target};
use super::page::{Carried, Stop, branding, frame, redirect, reply};
use super::session;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{SignOutConfirm, SignedOut};
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
        frame: frame(call, &branding, Some("")),
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
    let frame = frame(call, &branding, Some(""));
    let again = frame.language.texts().sign_in_again();
    let page = SignedOut { frame, link: Some((again, "/sign-in")) };
    Ok(reply(call, StatusCode::OK, &page, None))
}
