//! `/dashboard/env/{environment}/organizations/{id}/people/{membership}`.

use super::{find, roles};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::reply;
use crate::domain::organizations::{memberships, roles as domain};
use crate::domain::{Act, Failure};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Member, Section};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::Membership;
use countersign_store::{Query, Tx, TxFuture};
use http::StatusCode;

/// A membership of this organization; another organization's membership is answered as not found.
async fn of_this(
    query: &mut impl Query,
    act: &Act,
    id: &str,
    organization_id: OrganizationId,
) -> Result<Membership, Failure> {
    let found = memberships::find(query, act, id).await?;
    if found.organization_id == organization_id {
        Ok(found)
    } else {
        Err(Failure::not_found("Organization membership", id))
    }
}

/// The version of the roles that the form is drawn from.
fn version_of(membership: &Membership) -> String {
    // The order of roles is a setting of the environment, not of this membership.
    let mut roles = membership.roles.clone();
    roles.sort_unstable();
    form_version::of(&roles)
}

async fn show(call: &DashboardCall, chosen: Option<&[String]>, problem: Option<String>) -> Result<Reply, PageError> {
    let organization = find(call).await?;
    let act = call.act();
    let mut reader = call.page.app.store.reader().await?;
    let found = of_this(&mut reader, &act, call.page.path.get("membership"), organization.id).await?;
    let person = memberships::person(&mut reader, &act, &found).await?;
    drop(reader);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Organizations, problem);
    let people = shell.at(&format!("/organizations/{}/people", organization.id));
    let page = Member {
        shell: &shell,
        seen: &version_of(&found),
        href: &format!("{people}/{}", found.id),
        people: &people,
        organization: &organization.name,
        user: &shell.at(&format!("/users/{}", found.user_id)),
        email: &person.email,
        id: &found.id.to_string(),
        status: found.status.as_str(),
        roles: &roles(call, chosen.unwrap_or(&found.roles)).await?,
    };
    Ok(reply(status, &page))
}

/// The membership's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, None, None).await
}

/// Changes the membership named by the path, if it belongs to this organization.
async fn change<F>(call: &DashboardCall, function: F) -> Result<Result<OrganizationId, Failure>, PageError>
where
    F: for<'t> FnOnce(&'t mut Tx, Act, String) -> TxFuture<'t, (), Failure> + Send + 'static,
{
    let organization_id = find(call).await?.id;
    let (act, id) = (call.act(), call.page.path.get("membership").to_owned());
    let changed = call
        .commit(move |tx| {
            Box::pin(async move {
                of_this(tx, &act, &id, organization_id).await?;
                function(tx, act, id).await
            })
        })
        .await;
    Ok(changed.map(|()| organization_id))
}

async fn settled(
    call: &DashboardCall,
    chosen: Option<&[String]>,
    changed: Result<OrganizationId, Failure>,
) -> Result<Reply, PageError> {
    match changed {
        Ok(id) => call.to(&format!("/organizations/{id}/people/{}?done=saved", call.page.path.get("membership"))),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, chosen, Some(problem)).await?.with_status(status))
        }
    }
}

/// Assigns the ticked roles to the member.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let wanted = field::chosen(&form, "role_", &roles(call, &[]).await?);
    let (chosen, before) = (wanted.clone(), field::text(&form, "seen").to_owned());
    let changed = change(call, move |tx, act, id| {
        Box::pin(async move {
            // Roles are locked before memberships.
            let roles = domain::assignable(tx, &act, wanted).await?.map_err(|unknown| unknown.unprocessable())?;
            let found = memberships::find_and_lock(tx, &act, &id).await?;
            form_version::unchanged(&before, &version_of(&found))?;
            memberships::change(tx, &act, found, None, Some(roles)).await.map(drop)
        })
    });
    let changed = changed.await?;
    settled(call, Some(&chosen), changed).await
}

/// Deactivates the membership.
///
/// # Errors
/// 404.
pub async fn deactivate(call: &DashboardCall) -> Result<Reply, PageError> {
    let changed =
        change(call, |tx, act, id| Box::pin(async move { memberships::deactivate(tx, &act, &id).await.map(drop) }));
    let changed = changed.await?;
    settled(call, None, changed).await
}

/// Reactivates the membership.
///
/// # Errors
/// 404.
pub async fn reactivate(call: &DashboardCall) -> Result<Reply, PageError> {
    let changed =
        change(call, |tx, act, id| Box::pin(async move { memberships::reactivate(tx, &act, &id).await.map(drop) }));
    let changed = changed.await?;
    settled(call, None, changed).await
}

/// Deletes the membership.
///
/// # Errors
/// 404.
pub async fn remove(call: &DashboardCall) -> Result<Reply, PageError> {
    let removed = change(call, |tx, act, id| Box::pin(async move { memberships::delete(tx, &act, &id).await })).await?;
    let id = removed?;
    call.to(&format!("/organizations/{id}/people?done=removed"))
}
