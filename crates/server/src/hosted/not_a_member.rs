//! The page for a user who is not a member of the organization that a third-party application requests. The application
//! learns of it only when the user goes back: otherwise any application could test the membership of a signed-in user.

use super::authorize::Asked;
use super::flow::Flow;
use super::page::{Carried, PageError, branding, frame, reply};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::NotAMember;
use http::StatusCode;

/// Shows the page. Its button posts to the consent page, which answers the application with `access_denied`.
///
/// # Errors
/// When nobody is signed in.
pub fn show(call: &PageCall, flow: Flow, asked: &Asked) -> Result<Reply, PageError> {
    let Asked { client, current: Some(current), .. } = asked else { return Err(PageError::flow()) };
    let branding = branding(call);
    let carried = Carried::new(call, Some(&flow));
    let other_account = carried.link("/use-another-account");
    let page = NotAMember {
        frame: frame(call, &branding),
        form: carried.form("/consent", None),
        application: &client.application.name,
        account: &current.user.email,
        other_account: &other_account,
    };
    Ok(reply(call, StatusCode::OK, &page, flow.redirect_scheme.as_deref()))
}
