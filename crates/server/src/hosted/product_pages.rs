//! The way from our pages to the company's product, for whoever was sent by no application.

use super::page::{PageError, redirect};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_protocol::model::Invitation;

/// Where a sign-in begins instead of here, for a page that was opened without a flow; `None` where it begins here.
///
/// # Errors
/// Never; the type is that of a page.
pub fn sign_in(call: &PageCall) -> Result<Option<Reply>, PageError> {
    if call.query()?.get("flow").is_some() {
        return Ok(None);
    }
    begin(call, &[])
}

/// The same for who follows an invitation: the product asks with its token.
///
/// # Errors
/// Never; the type is that of a page.
pub fn follow(call: &PageCall, invitation: &Invitation, token: &str) -> Result<Option<Reply>, PageError> {
    let organization = invitation.organization_id.map(|id| id.to_string());
    let mut known = vec![("invitation_token", token)];
    known.extend(organization.as_deref().map(|id| ("organization_id", id)));
    begin(call, &known)
}

/// The same for whoever comes from a page that leads on to a sign-in.
///
/// # Errors
/// Never; the type is that of a page.
pub fn begin(call: &PageCall, known: &[(&str, &str)]) -> Result<Option<Reply>, PageError> {
    let page = call.environment.environment.product_pages.sign_in.as_ref();
    page.map(|page| redirect(&page.with(known))).transpose()
}

/// Where people are at home, if that is said.
pub fn home(call: &PageCall) -> Option<&str> {
    call.environment.environment.product_pages.home.as_ref().map(|page| page.as_str())
}
