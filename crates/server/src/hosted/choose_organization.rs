//! The page on which somebody with several organizations chooses one.

use super::flow::{Flow, Target};
use super::page::{Carried, Origin, Stop, branding, frame, reply};
use super::{authorize, own_application};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{ChooseOrganization, Organization};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::Membership;
use http::StatusCode;

/// Shows the page.
///
/// # Errors
/// Never; the type is that of a page.
pub fn show(call: &PageCall, flow: &Flow, origin: Option<Origin>, memberships: &[Membership]) -> Result<Reply, Stop> {
    let branding = branding(call);
    let ids: Vec<String> = memberships.iter().map(|membership| membership.organization_id.to_string()).collect();
    let organizations: Vec<Organization<'_>> = memberships
        .iter()
        .zip(&ids)
        .map(|(membership, id)| Organization { id, name: &membership.organization_name })
        .collect();
    let carried = Carried::new(call, Some(flow));
    let page = ChooseOrganization {
        frame: frame(call, &branding),
        form: carried.form("/choose-organization", None),
        application: origin.as_ref().map(Origin::shown),
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
    match flow.target {
        Target::OwnApplication(_) => own_application::advance(call, flow).await,
        _ => authorize::advance(call, flow, None).await,
    }
}
