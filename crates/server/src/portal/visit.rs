//! Starting and ending a visit: opening a link, choosing an organization, leaving.

use super::call::{PortalCall, Visitor, open_for_another};
use super::page::{self, Part};
use crate::domain::organizations::portal;
use crate::domain::{Failure, audit_log};
use crate::hosted::page::{Carried, PageError, language, redirect};
use crate::hosted::session;
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_pages::Form;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::Organization;
use countersign_store::organization;
use http::StatusCode;
use http::header::SET_COOKIE;

/// Maximum length of a token.
const MAX_LENGTH: usize = 100;

/// Whether a browser will show the response to a person: it declares a top-level navigation and no prefetch. Link
/// scanners in mail and chat programs declare neither.
fn is_shown(call: &PageCall) -> bool {
    let says = |name: &str, value: &str| call.headers.get(name).is_some_and(|said| said == value);
    let ahead = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| call.headers.contains_key(*name));
    says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document") && !ahead
}

/// The organization that a valid link belongs to.
async fn organization_of_link(call: &PageCall, token: &str) -> Result<Option<Organization>, PageError> {
    if token.len() > MAX_LENGTH {
        return Ok(None);
    }
    let act = session::act(call);
    let mut reader = call.app.store.reader().await?;
    let Some(id) = portal::organization_of_link(&mut reader, &act, token).await? else { return Ok(None) };
    Ok(organization::find(&mut reader, act.environment_id, id).await?)
}

/// `GET /portal/open?token=…`. A navigating browser is admitted at once, as the company intended; anything else gets a
/// page with a button, and the link stays valid. A browser that has another organization's page open gets that page as
/// well: any website can send it here, and the user would go on as if nothing had changed.
///
/// # Errors
/// Database errors.
pub async fn get_open(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let token = query.get("token").unwrap_or("");
    let Some(of) = organization_of_link(call, token).await? else { return Ok(page::no_link(call)) };
    let from_another = is_shown(call) && open_for_another(call, of.id).await?;
    if is_shown(call) && !from_another {
        return open(call, token).await;
    }
    let t = language(call).texts();
    let carried = Carried::new(call, None);
    let form = Form { flow: token, ..carried.form("/portal/open", None) };
    // Link scanners are not told which organization the link belongs to.
    let text = if from_another { t.portal_open_other_text(&of.name) } else { t.portal_open_text().to_owned() };
    Ok(page::notice(call, StatusCode::OK, (t.portal_open_title(), &text), Some(form), None))
}

/// `POST /portal/open`: the button of that page.
///
/// # Errors
/// Database errors.
pub async fn post_open(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    open(call, form.get("flow").unwrap_or("")).await
}

async fn open(call: &PageCall, token: &str) -> Result<Reply, PageError> {
    if token.len() > MAX_LENGTH {
        return Ok(page::no_link(call));
    }
    let issuer = &call.environment.environment.issuer;
    let cookie = URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<32>()?);
    let before = Cookie::Portal.read(&call.headers, issuer);
    let (act, token, value) = (session::act(call), token.to_owned(), cookie.clone());
    let opened = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { portal::open(tx, &act, &token, &value, before.as_deref()).await })
    });
    if !opened.await? {
        return Ok(page::no_link(call));
    }
    let reply = redirect("/portal")?;
    Ok(match Cookie::Portal.set(&cookie, portal::COOKIE_LIFETIME, issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}

/// `GET /portal`: redirects to the first part that the visitor may access.
///
/// # Errors
/// Never: an admitted visitor may access at least one part.
pub async fn home(call: &PortalCall) -> Result<Reply, PageError> {
    match Part::open(&call.intents).next() {
        Some(part) => redirect(part.path()),
        None => Ok(page::no_role(&call.page)),
    }
}

/// `POST /portal/organization`: chooses which of their organizations a member looks at. The choice alone grants no
/// access.
///
/// # Errors
/// An error page if the form names no organization.
pub async fn choose(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let chosen =
        form.get("organization_id").and_then(|id| OrganizationId::parse(id).ok()).ok_or_else(PageError::flow)?;
    let reply = redirect("/portal")?;
    let issuer = &call.environment.environment.issuer;
    Ok(match Cookie::Portal.set(&chosen.to_string(), portal::COOKIE_LIFETIME, issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}

/// `POST /portal/leave`: ends the visit. A member stays signed in and chooses an organization again next time.
///
/// # Errors
/// Database errors.
pub async fn leave(call: &PortalCall) -> Result<Reply, PageError> {
    let issuer = &call.page.environment.environment.issuer;
    if let Some(cookie) = Cookie::Portal.read(&call.page.headers, issuer) {
        let act = call.act();
        // Nothing that belongs to the organization changes.
        audit_log::mark_unchanged(&act);
        call.commit(move |tx| Box::pin(async move { portal::leave(tx, &act, &cookie).await.map(drop) })).await?;
    }
    let t = call.language().texts();
    let back = t.portal_back(&call.product());
    let link = match &call.visitor {
        Visitor::Link { return_url, .. } => return_url.as_deref().map(|url| (back.as_str(), url)),
        Visitor::Member(_) => Some((t.your_account(), "/account")),
    };
    let reply = page::notice(&call.page, StatusCode::OK, (t.portal_left_title(), t.portal_left_text()), None, link);
    Ok(match Cookie::Portal.remove(issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}
