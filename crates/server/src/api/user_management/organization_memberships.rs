//! `/user_management/organization_memberships`.

use crate::domain::organizations::memberships;
use crate::domain::{Act, Failure};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{MembershipId, OrganizationId, UserId};
use countersign_protocol::management::fields::{Fields, MAX_NAME_LENGTH, MAX_SLUG_LENGTH};
use countersign_protocol::management::page::{PageRequest, Scan, Slice};
use countersign_protocol::management::views::membership_view;
use countersign_protocol::model::{Membership, MembershipStatus, User};
use countersign_store::membership::{self, Of};
use countersign_store::{Reader, Tx, TxFuture};
use http::StatusCode;
use std::sync::Arc;

/// The statuses in a query: only active by default.
fn statuses(call: &ManagementCall) -> Result<Vec<MembershipStatus>, Failure> {
    let Some(words) = call.query.list("statuses").filter(|words| !words.is_empty()) else {
        return Ok(vec![MembershipStatus::Active]);
    };
    let mut statuses = Vec::new();
    for word in words {
        let status = MembershipStatus::parse(word).ok_or_else(|| {
            Failure::invalid("statuses", "invalid", "statuses may be 'active', 'inactive' and 'pending'.")
        })?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    Ok(statuses)
}

/// `GET /user_management/organization_memberships`: of a user, of an organization, or of a user in an organization.
///
/// # Errors
/// 400 `missing_user_id_or_organization_id`, 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| MembershipId::parse(text).ok())?;
    let statuses = statuses(&call)?;
    let (user, organization) = (call.query.get("user_id")?, call.query.get("organization_id")?);
    if user.is_none() && organization.is_none() {
        return Err(Failure::bad_request(
            "missing_user_id_or_organization_id",
            "Say whose memberships to list: user_id, organization_id or both.",
        ));
    }
    let mut reader = call.reader().await?;
    let (slice, environment_id) = (request.slice(), call.environment.id());
    let rows = match (user.map(UserId::parse), organization.map(OrganizationId::parse)) {
        (Some(Ok(user)), Some(Ok(organization))) => {
            of_both(&mut reader, &call.act(), &slice, (user, organization), &statuses).await?
        }
        (Some(Ok(user)), None) => {
            membership::list(&mut reader, environment_id, &slice, Of::User(user), &statuses).await?
        }
        (None, Some(Ok(organization))) => {
            membership::list(&mut reader, environment_id, &slice, Of::Organization(organization), &statuses).await?
        }
        // A user or an organization that cannot exist has no memberships.
        _ => Vec::new(),
    };
    let page = request.page(rows, |(row, _)| row.id).map(|(row, user)| membership_view(&row, &user));
    Ok(Reply::ok(&page.envelope()))
}

/// The membership of a user in an organization, if it is in the slice.
async fn of_both(
    reader: &mut Reader,
    act: &Act,
    slice: &Slice<MembershipId>,
    (user_id, organization_id): (UserId, OrganizationId),
    statuses: &[MembershipStatus],
) -> Result<Vec<(Membership, User)>, Failure> {
    let found = membership::find_of_user(reader, act.environment_id, user_id, organization_id).await?;
    let found = found.filter(|row| {
        statuses.contains(&row.status)
            && slice.from.is_none_or(|from| match slice.scan {
                Scan::Descending => row.id < from,
                Scan::Ascending => row.id > from,
            })
    });
    match found {
        Some(found) => {
            let user = memberships::person(reader, act, &found).await?;
            Ok(vec![(found, user)])
        }
        None => Ok(Vec::new()),
    }
}

/// The roles in a body, if there are any.
fn roles(fields: &mut Fields) -> Option<Vec<String>> {
    let one = fields.optional_text("role_slug", MAX_SLUG_LENGTH).value();
    let many = fields.texts("role_slugs", MAX_SLUG_LENGTH).value();
    if one.is_some() && many.is_some() {
        fields.refuse("role_slugs", "not_allowed", "Send role_slug or role_slugs, not both.");
    }
    many.or(one.map(|slug| vec![slug]))
}

/// `POST /user_management/organization_memberships`: creates an active membership, or reactivates an inactive one.
///
/// # Errors
/// 400, 404, 409 `entity_already_exists`, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let user_id = fields.required_text("user_id", MAX_NAME_LENGTH);
    let organization_id = fields.required_text("organization_id", MAX_NAME_LENGTH);
    let roles = roles(&mut fields).unwrap_or_default();
    fields.finish()?;
    call.commit(|tx, act| {
        Box::pin(async move {
            let (made, user) = memberships::create(tx, &act, &user_id, &organization_id, roles).await?;
            Ok(Reply::created(&membership_view(&made, &user)))
        })
    })
    .await
}

/// `GET /user_management/organization_memberships/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let found = memberships::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let user = memberships::person(&mut reader, &call.act(), &found).await?;
    Ok(Reply::ok(&membership_view(&found, &user)))
}

/// `PUT /user_management/organization_memberships/{id}`: replaces the roles. A body without roles changes nothing.
///
/// # Errors
/// 404, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let roles = roles(&mut fields);
    fields.finish()?;
    change(&call, move |tx, act, id| {
        Box::pin(async move {
            match roles {
                None => memberships::find(tx, &act, &id).await,
                Some(roles) => memberships::set_roles(tx, &act, &id, roles).await,
            }
        })
    })
    .await
}

/// `PUT /user_management/organization_memberships/{id}/deactivate`.
///
/// # Errors
/// 400 for a pending one, 404.
pub async fn deactivate(call: ManagementCall) -> Result<Reply, Failure> {
    change(&call, |tx, act, id| Box::pin(async move { memberships::deactivate(tx, &act, &id).await })).await
}

/// `PUT /user_management/organization_memberships/{id}/reactivate`.
///
/// # Errors
/// 400 for a pending one, 404.
pub async fn reactivate(call: ManagementCall) -> Result<Reply, Failure> {
    change(&call, |tx, act, id| Box::pin(async move { memberships::reactivate(tx, &act, &id).await })).await
}

/// Changes the membership in the path, and returns it.
async fn change<F>(call: &ManagementCall, function: F) -> Result<Reply, Failure>
where
    F: for<'t> FnOnce(&'t mut Tx, Arc<Act>, String) -> TxFuture<'t, Membership, Failure> + Send + 'static,
{
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let changed = function(tx, Arc::clone(&act), id).await?;
            let user = memberships::person(tx, &act, &changed).await?;
            Ok(Reply::ok(&membership_view(&changed, &user)))
        })
    })
    .await
}

/// `DELETE /user_management/organization_memberships/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            memberships::delete(tx, &act, &id).await?;
            Ok(Reply::empty(StatusCode::OK))
        })
    })
    .await
}
