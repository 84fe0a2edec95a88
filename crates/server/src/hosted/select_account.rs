//! The page that asks with which account to go on.

use super::flow::Flow;
use super::login_uri;
use super::page::{Carried, Origin, PageError, branding, frame, origin, redirect, reply};
use super::session::{self, Current};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::SelectAccount;
use http::StatusCode;

/// Shows the page.
///
/// # Errors
/// Never; the type is that of a page.
pub fn show(call: &PageCall, flow: &Flow, origin: Option<Origin>, current: &Current) -> Result<Reply, PageError> {
    let branding = branding(call);
    let mut flow = flow.clone();
    flow.shown_to = Some(current.user.id);
    let carried = Carried::new(call, Some(&flow));
    let name = current.user.full_name().unwrap_or_default();
    let page = SelectAccount {
        frame: frame(call, &branding),
        form: carried.form("/select-account", None),
        application: origin.as_ref().map(Origin::shown),
        name: &name,
        email: &current.user.email,
    };
    Ok(reply(call, StatusCode::OK, &page, flow.redirect_scheme.as_deref()))
}

/// `POST /select-account`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if form.get("decision") == Some("continue") {
        // Somebody else may have signed in meanwhile, in another tab.
        if let Some(current) = session::current(call).await?
            && flow.shown_to != Some(current.user.id)
        {
            return show(call, &flow, origin(call, &flow).await?, &current);
        }
        flow.shown_to = None;
        flow.account_chosen = true;
        return redirect(&flow.resume(call));
    }
    with_another_account(call, flow).await
}

/// `GET /use-another-account`: the link on the consent page. Only a flow of this very browser opens it, so no other site can
/// sign somebody out with it.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn other(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let flow = Flow::carried(call, query.get("flow"))?;
    with_another_account(call, flow).await
}

/// The session ends, and the flow goes on with a sign-in.
async fn with_another_account(call: &PageCall, mut flow: Flow) -> Result<Reply, PageError> {
    flow.account_chosen = true;
    flow.email = None;
    flow.challenge = None;
    let reply = match login_uri::instead(call, &flow).await? {
        Some(away) => away,
        None => redirect(&flow.link(call, "/sign-in"))?,
    };
    session::end(call, reply).await
}
