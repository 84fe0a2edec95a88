//! The page on which somebody with several organizations chooses one.

use super::authorize::{Asked, advance};
use super::flow::Flow;
use super::page::{Carried, Origin, Stop, branding, frame, reply};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{ChooseOrganization, Organization, Problem};
use countersign_protocol::id::OrganizationId;
use http::StatusCode;

/// Shows the page.
///
/// # Errors
/// Never; the type is that of a page.
pub fn show(call: &PageCall, flow: &Flow, asked: &Asked, problem: Option<Problem>) -> Result<Reply, Stop> {
    let branding = branding(call);
    let ids: Vec<String> = asked.memberships.iter().map(|membership| membership.organization_id.to_string()).collect();
    let organizations: Vec<Organization<'_>> = asked
        .memberships
        .iter()
        .zip(&ids)
        .map(|(membership, id)| Organization { id, name: &membership.organization_name })
        .collect();
    let origin = Origin::of(&asked.client);
    let carried = Carried::new(call, Some(flow));
    let page = ChooseOrganization {
        frame: frame(call, &branding),
        form: carried.form("/choose-organization", problem),
        application: Some(origin.shown()),
        organizations: &organizations,
    };
    Ok(reply(call, StatusCode::OK, &page, flow.leads_to.as_deref()))
}

/// `POST /choose-organization`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    let mut flow = Flow::open(call, form.get("flow")).ok_or_else(Stop::flow)?;
    // Whether the person is a member is decided where everything is decided.
    flow.organization_id = form.get("organization_id").and_then(|id| OrganizationId::parse(id).ok());
    advance(call, flow, None).await
}
