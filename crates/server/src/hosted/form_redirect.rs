//! How the answer to a form leaves our origin. Browsers hold every redirect behind a form against the `form-action` of the
//! page that had it, those of the application included; so a form's answer is a page of ours, which then goes on by itself
//! like a link.

use super::flow::Flow;
use super::page::{branding, frame, reply};
use super::product_pages;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::RedirectPage;
use http::StatusCode;
use http::header::{LOCATION, SET_COOKIE};

/// Paths of ours from which the way may lead out.
const MAY_REDIRECT_OUT: [&str; 2] = ["/oauth2/authorize", "/user_management/authorize"];

/// Whether the way may lead out by an address of ours: by one that leads back to an application, or home from an invitation.
fn may_redirect_out(call: &PageCall, to: &str) -> bool {
    MAY_REDIRECT_OUT.iter().any(|path| to.starts_with(path))
        || (to.starts_with("/invite/accept") && product_pages::home(call).is_some())
}

/// The answer to a form, as it is sent: a redirect that may leave our origin becomes a page that goes on by itself. Not so
/// where the way leads to a program on the person's device: browsers start those only for what the person has just done, and
/// the page's policy names their scheme.
pub fn settle(call: &PageCall, answer: Reply) -> Reply {
    let to = answer.values(&LOCATION).next().and_then(|to| to.to_str().ok()).map(str::to_owned);
    let Some(to) = to.filter(|to| !to.starts_with('/') || may_redirect_out(call, to)) else {
        return answer;
    };
    let redirects_to_a_program = || {
        let flow = call.form().ok().and_then(|form| Flow::open(call, form.get("flow")));
        flow.is_some_and(|flow| flow.redirect_scheme.is_some())
    };
    let to_a_website = to.starts_with("https://") || to.starts_with("http://");
    if answer.status != StatusCode::SEE_OTHER || (!to_a_website && redirects_to_a_program()) {
        return answer;
    }
    let branding = branding(call);
    let page = RedirectPage { frame: frame(call, &branding), to: &to };
    let going_on = reply(call, StatusCode::OK, &page, None);
    // What the answer says of caching and referrers is said of every page.
    answer.values(&SET_COOKIE).fold(going_on, |going_on, cookie| going_on.with(SET_COOKIE, cookie.clone()))
}
