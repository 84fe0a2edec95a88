//! `/dashboard/staff`: who may use the dashboard.

use super::call::DashboardCall;
use super::field;
use super::page::{refused, refused_here, reply, when};
use crate::domain::Failure;
use crate::domain::organizations::memberships;
use crate::domain::staff::{self, changes};
use crate::hosted::mailbox;
use crate::hosted::page::{PageError, redirect};
use crate::http::reply::Reply;
use countersign_pages::dashboard::{InvitationRow, MemberRow, Section, Staff, StaffMember, StaffRoleOption};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{Membership, STAFF_BASE, StaffRole, is_email};
use countersign_store::invitation::{self, Filter};
use countersign_store::{authentication_factor, user};
use http::StatusCode;

/// Maximum number of open invitations shown, newest first.
const MAX: usize = 100;

/// A sentence about what a role allows.
fn meaning(role: StaffRole) -> &'static str {
    match role {
        StaffRole::ReadOnly => "Can see everything except secrets, and change nothing.",
        StaffRole::Developer => "Can also change applications, organizations, users and branding.",
        StaffRole::Admin => "Can also change environments, API keys, signing keys, and staff up to Admin.",
        StaffRole::Owner => "Can also decide who else is an owner.",
    }
}

/// The roles that the caller may assign.
fn options(call: &DashboardCall, chosen: Option<StaffRole>) -> Vec<StaffRoleOption> {
    let may_give = StaffRole::ALL.into_iter().filter(|role| call.role.allows(*role));
    may_give
        .map(|role| StaffRoleOption {
            slug: role.as_str(),
            name: role.name(),
            text: meaning(role),
            chosen: chosen == Some(role),
        })
        .collect()
}

fn name_of(role: Option<StaffRole>) -> &'static str {
    role.map_or("None", StaffRole::name)
}

/// What the page shows besides stored data.
struct Shown {
    email: String,
    role: Option<StaffRole>,
    link: Option<(StaffRole, String)>,
    problem: Option<String>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { email: String::new(), role: Some(StaffRole::Developer), link: None, problem: None }
    }
}

async fn show(call: &DashboardCall, what: Shown, status: StatusCode) -> Result<Reply, PageError> {
    let act = call.act_of_staff();
    let mut reader = call.page.app.store.reader().await?;
    let all = staff::list(&mut reader, &act).await?;
    let organization = staff::organization(&mut reader, &act).await?;
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX };
    let filter = Filter { email: None, organization_id: Some(organization.id) };
    let sent = invitation::list(&mut reader, act.environment_id, &slice, filter).await?;
    drop(reader);
    let members: Vec<MemberRow> = all
        .into_iter()
        .map(|(row, person)| MemberRow {
            href: format!("{STAFF_BASE}/staff/{}", row.id),
            name: person.full_name().unwrap_or_default(),
            email: person.email,
            roles: vec![name_of(StaffRole::most(&row.roles)).to_owned()],
            status: row.status.as_str(),
            since: when(row.created_at),
        })
        .collect();
    let invitations: Vec<InvitationRow> = sent
        .into_iter()
        .filter(|one| one.is_open(act.now))
        .map(|one| InvitationRow {
            id: one.id.to_string(),
            role: name_of(one.role_slug.as_deref().and_then(StaffRole::parse)).to_owned(),
            email: one.email,
            state: "pending",
            sent: when(one.updated_at),
            expires: when(one.expires_at),
        })
        .collect();
    let shell = match what.problem {
        Some(problem) => call.shell_with(Section::Staff, Some(problem)),
        None => call.shell(Section::Staff),
    };
    let page = Staff {
        shell: &shell,
        members: &members,
        invitations: &invitations,
        roles: &options(call, what.role),
        email: &what.email,
        sends_mail: mailbox::reaches_people(&call.page),
        fresh: what.link.as_ref().map(|(role, link)| (role.name(), link.as_str())),
    };
    Ok(reply(status, &page))
}

/// The list of staff.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, Shown::default(), StatusCode::OK).await
}

/// The status for a refusal: 403 for something forbidden, 422 for invalid input.
fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Refused(ApiError::Forbidden { .. }) => StatusCode::FORBIDDEN,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Grants access: by an invitation, or by a link that is shown only once.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let email = field::text(&form, "email").to_owned();
    let role = form.get("role").and_then(StaffRole::parse);
    let typed = Shown { email: email.clone(), role, ..Shown::default() };
    let (act, by) = (call.act_of_staff(), call.user.id);
    let let_in = match (role, form.get("how")) {
        (None, _) => Err(Failure::invalid("role", "required", "Choose a role.")),
        (Some(role), Some("link")) => {
            call.commit(move |tx| {
                Box::pin(async move { Ok(Some((role, changes::make_link(tx, &act, by, role).await?))) })
            })
            .await
        }
        (Some(_), _) if !is_email(&email) => {
            Err(Failure::invalid("email", "invalid", "Enter the email address for the invitation."))
        }
        (Some(role), _) => {
            call.commit(move |tx| {
                Box::pin(async move { changes::invite(tx, &act, by, email, role).await.map(|_| None) })
            })
            .await
        }
    };
    match let_in {
        Ok(None) => redirect("/staff?done=invited"),
        Ok(link) => show(call, Shown { link, ..Shown::default() }, StatusCode::CREATED).await,
        Err(failure) => {
            let status = status_of(&failure);
            let problem = Some(refused_here(failure)?);
            show(call, Shown { problem, ..typed }, status).await
        }
    }
}

async fn settled(call: &DashboardCall, done: &str, settled: Result<(), Failure>) -> Result<Reply, PageError> {
    match settled {
        Ok(()) => redirect(&format!("/staff?done={done}")),
        Err(failure) => {
            let status = status_of(&failure);
            let problem = Some(refused(failure)?);
            show(call, Shown { problem, ..Shown::default() }, status).await
        }
    }
}

/// Sends an invitation's email again.
///
/// # Errors
/// 404.
pub async fn resend(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (act, by, id) = (call.act_of_staff(), call.user.id, field::text(&form, "invitation_id").to_owned());
    let sent = call.commit(move |tx| Box::pin(async move { changes::resend(tx, &act, by, &id).await })).await;
    settled(call, "sent", sent).await
}

/// Revokes an invitation.
///
/// # Errors
/// 404.
pub async fn revoke(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (act, by, id) = (call.act_of_staff(), call.user.id, field::text(&form, "invitation_id").to_owned());
    let gone = call.commit(move |tx| Box::pin(async move { changes::revoke(tx, &act, by, &id).await })).await;
    settled(call, "revoked", gone).await
}

/// Looks up the member of staff named by the path.
async fn find(call: &DashboardCall) -> Result<Membership, PageError> {
    let act = call.act_of_staff();
    let mut reader = call.page.app.store.reader().await?;
    Ok(memberships::find(&mut reader, &act, call.page.path.get("id")).await?)
}

async fn show_member(call: &DashboardCall, wrong: Option<(StatusCode, String)>) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let act = call.act_of_staff();
    let mut reader = call.page.app.store.reader().await?;
    let person = user::find(&mut reader, act.environment_id, found.user_id).await?;
    let factors = authentication_factor::confirmed(&mut reader, act.environment_id, found.user_id).await?;
    drop(reader);
    let factor_since = factors.first().map(|factor| when(factor.confirmed_at.unwrap_or(factor.created_at)));
    let person = person.ok_or_else(|| Failure::not_found("Member of staff", found.id))?;
    let role = StaffRole::most(&found.roles);
    let (status, shell) = match wrong {
        Some((status, problem)) => (status, call.shell_with(Section::Staff, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Staff)),
    };
    let is_you = found.user_id == call.user.id;
    let page = StaffMember {
        shell: &shell,
        href: &format!("{STAFF_BASE}/staff/{}", found.id),
        name: &person.full_name().unwrap_or_default(),
        email: &person.email,
        role: name_of(role),
        status: found.status.as_str(),
        since: &when(found.created_at),
        last_sign_in: &person.last_sign_in_at.map_or_else(|| "Never".to_owned(), when),
        second_factor: factor_since.as_deref(),
        is_you,
        may_change: !is_you && shell.may_administer && role.is_none_or(|role| call.role.allows(role)),
        roles: &options(call, role),
    };
    Ok(reply(status, &page))
}

/// A member's page.
///
/// # Errors
/// 404.
pub async fn get_member(call: &DashboardCall) -> Result<Reply, PageError> {
    show_member(call, None).await
}

/// Changes a member's role.
///
/// # Errors
/// 404.
pub async fn post_member(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let id = find(call).await?.id.to_string();
    let (act, by, member) = (call.act_of_staff(), call.user.id, id.clone());
    let changed = match form.get("role").and_then(StaffRole::parse) {
        Some(role) => {
            call.commit(move |tx| Box::pin(async move { changes::set_role(tx, &act, by, &member, role).await })).await
        }
        None => Err(Failure::invalid("role", "required", "Choose a role.")),
    };
    match changed {
        Ok(()) => redirect(&format!("/staff/{id}?done=saved")),
        Err(failure) => {
            let status = status_of(&failure);
            let problem = refused(failure)?;
            show_member(call, Some((status, problem))).await
        }
    }
}

/// Removes the second factor of a member who lost their device. Succeeds if there is none.
///
/// # Errors
/// 404.
pub async fn remove_second_factor(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = find(call).await?.id.to_string();
    let (act, by, member) = (call.act_of_staff(), call.user.id, id.clone());
    let removed = call
        .commit(move |tx| Box::pin(async move { changes::remove_second_factor(tx, &act, by, &member).await }))
        .await;
    match removed {
        Ok(()) => redirect(&format!("/staff/{id}?done=factor-removed")),
        Err(failure) => {
            let status = status_of(&failure);
            let problem = refused(failure)?;
            show_member(call, Some((status, problem))).await
        }
    }
}

/// Removes a member of staff.
///
/// # Errors
/// 404.
pub async fn dismiss(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = find(call).await?.id.to_string();
    let (act, by) = (call.act_of_staff(), call.user.id);
    let gone = call.commit(move |tx| Box::pin(async move { changes::dismiss(tx, &act, by, &id).await })).await;
    match gone {
        Ok(()) => redirect("/staff?done=removed"),
        Err(failure) => {
            let status = status_of(&failure);
            let problem = refused(failure)?;
            show_member(call, Some((status, problem))).await
        }
    }
}
