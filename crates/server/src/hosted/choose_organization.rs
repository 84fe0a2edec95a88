//! The page on which somebody with several organizations chooses one. It shows so many; who has more searches by name.

use super::flow::{Flow, Target};
use super::page::{Carried, Origin, PageError, branding, frame, reply};
use super::{authorize, own_application};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{ChooseOrganization, Organization};
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::model::{Membership, MembershipStatus};
use countersign_store::{Reader, membership};
use http::StatusCode;

/// Most organizations that a page shows.
const MAX: usize = 100;
/// Longest text that is searched for, in characters.
const MAX_SEARCH_LENGTH: usize = 200;

/// Organizations of which a person is an active member.
#[derive(Debug, Default)]
pub struct Organizations {
    /// All of them; of many some, with every one that was named among them.
    pub memberships: Vec<Membership>,
    /// There are more than these.
    pub many: bool,
}

impl Organizations {
    /// Loads them. What is `named` is not left out, however many there are: what was chosen, what was asked for.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load(
        call: &PageCall,
        reader: &mut Reader,
        user_id: UserId,
        named: &[Option<OrganizationId>],
    ) -> Result<Self, countersign_store::Error> {
        let environment_id = call.environment.id();
        let most = i64::try_from(MAX).unwrap_or(i64::MAX) + 1;
        let mut memberships = membership::active_of_user(reader, environment_id, user_id, most, None).await?;
        let many = memberships.len() > MAX;
        if many {
            memberships.truncate(MAX);
            for id in named.iter().flatten() {
                if memberships.iter().any(|one| one.organization_id == *id) {
                    continue;
                }
                let found = membership::find_of_user(reader, environment_id, user_id, *id).await?;
                memberships.extend(found.filter(|found| found.status == MembershipStatus::Active));
            }
        }
        Ok(Self { memberships, many })
    }

    /// Whether the person is a member.
    pub fn has(&self, id: OrganizationId) -> bool {
        self.memberships.iter().any(|one| one.organization_id == id)
    }
}

/// What the page is shown for.
#[derive(Debug)]
pub struct Choice<'a> {
    /// The application that people come from.
    pub origin: Option<Origin>,
    /// Whose organizations.
    pub user_id: UserId,
    /// Them.
    pub organizations: &'a Organizations,
    /// Where the page is posted to.
    pub action: &'static str,
}

impl<'a> Choice<'a> {
    /// On the way to an application.
    pub fn of(origin: Option<Origin>, user_id: UserId, organizations: &'a Organizations) -> Self {
        Self { origin, user_id, organizations, action: "/choose-organization" }
    }
}

/// Shows the page; with a search text, those of many that have it in their name.
///
/// # Errors
/// Database errors.
pub async fn show(call: &PageCall, flow: &Flow, choice: Choice<'_>, search: Option<&str>) -> Result<Reply, PageError> {
    let Choice { origin, user_id, organizations: Organizations { memberships, many }, action } = choice;
    let search: String = search.unwrap_or("").trim().chars().take(MAX_SEARCH_LENGTH).collect();
    let found = if *many && !search.is_empty() {
        let (environment_id, most) = (call.environment.id(), i64::try_from(MAX).unwrap_or(i64::MAX));
        let mut reader = call.app.store.reader().await?;
        Some(membership::active_of_user(&mut reader, environment_id, user_id, most, Some(&search)).await?)
    } else {
        None
    };
    let shown = found.as_deref().unwrap_or(memberships);
    let branding = branding(call);
    let ids: Vec<String> = shown.iter().map(|membership| membership.organization_id.to_string()).collect();
    let organizations: Vec<Organization<'_>> = shown
        .iter()
        .zip(&ids)
        .map(|(membership, id)| Organization { id, name: &membership.organization_name })
        .collect();
    let carried = Carried::new(call, Some(flow));
    let page = ChooseOrganization {
        frame: frame(call, &branding),
        form: carried.form(action, None),
        application: origin.as_ref().map(Origin::shown),
        organizations: &organizations,
        search: many.then_some(&search),
    };
    Ok(reply(call, StatusCode::OK, &page, flow.redirect_scheme.as_deref()))
}

/// `POST /choose-organization`: one was chosen, or is searched for.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    // Whether the person is a member is decided where everything is decided.
    flow.organization_id = form.get("organization_id").and_then(|id| OrganizationId::parse(id).ok());
    let search = form.get("search").filter(|_| flow.organization_id.is_none());
    match (&flow.target, search) {
        (Target::OwnApplication(_), search) => own_application::advance(call, flow, search).await,
        (_, Some(search)) => authorize::search_organization(call, flow, search).await,
        (_, None) => authorize::advance(call, flow).await,
    }
}
