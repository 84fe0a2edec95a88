//! `/dashboard/env/{environment}/organizations/{id}/people`.

use super::{find, roles};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::list_cursor::ListCursor;
use crate::dashboard::page::{filter_query, refused_here, reply, when};
use crate::domain::Failure;
use crate::domain::organizations::memberships;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{InvitationRow, MemberRow, OrganizationPeople, Section};
use countersign_protocol::id::{InvitationId, MembershipId};
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{MembershipStatus, Organization};
use countersign_store::invitation::{self, Filter};
use countersign_store::membership::{self, Of};
use countersign_store::user;
use http::StatusCode;

/// All membership statuses.
pub(in crate::dashboard) const ALL: [MembershipStatus; 3] =
    [MembershipStatus::Active, MembershipStatus::Inactive, MembershipStatus::Pending];

/// Maximum length of a member search, because every member is compared with it.
const MAX_SEARCH_LENGTH: usize = 64;

/// Values for the page's forms.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Email address or ID of the user to add.
    pub who: String,
    /// Email address to invite.
    pub email: String,
    /// The chosen role; empty for the default role.
    pub role: String,
}

/// Shows the people of an organization, with the typed values if they were refused.
pub(super) async fn show(
    call: &DashboardCall,
    found: &Organization,
    typed: Typed,
    problem: Option<String>,
) -> Result<Reply, PageError> {
    let environment_id = call.environment.id();
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let search = query.get("search").map_err(Failure::from)?.unwrap_or("").trim();
    let search: String = search.chars().take(MAX_SEARCH_LENGTH).collect();
    let (of_members, of_invitations) = (
        ListCursor::of(call, "members", |text| MembershipId::parse(text).ok())?,
        ListCursor::of(call, "invitations", |text| InvitationId::parse(text).ok())?,
    );
    let mut reader = call.page.app.store.reader().await?;
    let rows = if search.is_empty() {
        membership::list(&mut reader, environment_id, &of_members.slice(), Of::Organization(found.id), &ALL).await?
    } else {
        membership::search(&mut reader, environment_id, &of_members.slice(), found.id, &search).await?
    };
    let filter = Filter { email: None, organization_id: Some(found.id) };
    let sent = invitation::list(&mut reader, environment_id, &of_invitations.slice(), filter).await?;
    drop(reader);
    let path = call.at(&format!("/organizations/{}/people", found.id));
    let path =
        if search.is_empty() { path } else { format!("{path}?{}", filter_query(&[("search", search.as_str())])) };
    let (rows, pager) = of_members.page(&path, rows, |(row, _)| row.id);
    let (sent, invitations_pager) = of_invitations.page(&path, sent, |one| one.id);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Organizations, problem);
    let href = shell.at(&format!("/organizations/{}", found.id));
    let members: Vec<MemberRow> = rows
        .iter()
        .map(|(row, person)| MemberRow {
            href: format!("{href}/people/{}", row.id),
            email: person.email.clone(),
            name: person.full_name().unwrap_or_default(),
            roles: row.roles.clone(),
            status: row.status.as_str(),
            since: when(row.created_at),
        })
        .collect();
    let now = call.page.app.clock.now();
    let invitations: Vec<InvitationRow> = sent
        .iter()
        .map(|one| InvitationRow {
            id: one.id.to_string(),
            email: one.email.clone(),
            role: one.role_slug.clone().unwrap_or_default(),
            state: one.state_word(now),
            sent: when(one.updated_at),
            expires: when(one.expires_at),
        })
        .collect();
    let chosen: Vec<String> = Some(typed.role).filter(|role| !role.is_empty()).into_iter().collect();
    let page = OrganizationPeople {
        shell: &shell,
        href: &href,
        tab: "people",
        title: &found.name,
        members: &members,
        pager: &pager,
        search: &search,
        invitations: &invitations,
        invitations_pager: &invitations_pager,
        roles: &roles(call, &chosen).await?,
        who: &typed.who,
        email: &typed.email,
    };
    Ok(reply(status, &page))
}

/// The list of members, paginated, and the newest invitations.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    show(call, &found, Typed::default(), None).await
}

/// Adds a user who has an account, looked up by email address or ID.
///
/// # Errors
/// 404.
pub async fn add(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (who, role) = (field::text(&form, "who").to_owned(), field::optional(&form, "role"));
    let typed = Typed { who: who.clone(), role: role.clone().unwrap_or_default(), ..Typed::default() };
    let (act, organization_id) = (call.act(), found.id.to_string());
    let added = call
        .commit(move |tx| {
            Box::pin(async move {
                let id = if who.contains('@') {
                    let person = user::find_by_email(tx, act.environment_id, &who).await?;
                    let missing = "No account has this address. Invite the person below instead.";
                    person.ok_or_else(|| Failure::invalid("who", "invalid", missing))?.id.to_string()
                } else {
                    who
                };
                let roles = role.into_iter().collect();
                memberships::create(tx, &act, &id, &organization_id, roles).await.map(drop)
            })
        })
        .await;
    match added {
        Ok(()) => call.to(&format!("/organizations/{}/people?done=added", found.id)),
        Err(failure) => {
            let problem = refused_here(failure)?;
            show(call, &found, typed, Some(problem)).await
        }
    }
}
