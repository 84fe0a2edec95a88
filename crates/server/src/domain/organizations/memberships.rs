//! Organization memberships.

use crate::domain::connect::grants;
use crate::domain::organizations::{self, invitations, roles};
use crate::domain::{Act, Failure, events, users};
use countersign_protocol::id::{MembershipId, OrganizationId, UserId};
use countersign_protocol::management::views::membership_event_view;
use countersign_protocol::model::{Membership, MembershipStatus, Organization, User};
use countersign_store::{Query, Tx, membership, user};

/// Appends an event about a membership.
async fn record(tx: &mut Tx, act: &Act, event: &'static str, membership: &Membership) -> Result<(), Failure> {
    let view = membership_event_view(membership);
    events::record(tx, act, event, Some(membership.organization_id), &view).await
}

/// Creates a membership for a user who has none in the organization.
///
/// # Errors
/// 409 `entity_already_exists` when a concurrent request was faster.
pub async fn insert(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    organization: &Organization,
    status: MembershipStatus,
    roles: Vec<String>,
) -> Result<Membership, Failure> {
    let made = Membership {
        id: act.entropy.id(act.now)?,
        user_id,
        organization_id: organization.id,
        organization_name: organization.name.clone(),
        status,
        roles,
        created_at: act.now,
        updated_at: act.now,
    };
    membership::insert(tx, act.environment_id, &made).await.map_err(|error| {
        if error.is_unique("organization_membership", "user_id_organization_id") {
            already_member()
        } else {
            error.into()
        }
    })?;
    record(tx, act, "organization_membership.created", &made).await?;
    Ok(made)
}

fn already_member() -> Failure {
    Failure::conflict("entity_already_exists", "The user is already a member of the organization.")
}

/// Makes a user an active member, or reactivates an inactive one with these roles.
///
/// # Errors
/// 404 for the user or organization; 400 for a pending membership; 409 for an active one; 422 `invalid_role`.
pub async fn create(
    tx: &mut Tx,
    act: &Act,
    user_id: &str,
    organization_id: &str,
    wanted: Vec<String>,
) -> Result<(Membership, User), Failure> {
    // Keeps both from being deleted in the meantime; of two concurrent calls, the second sees what the first has done.
    let user = users::find_and_lock(tx, act, user_id).await?;
    let organization = organizations::find(tx, act, organization_id).await?;
    let roles = roles::assignable(tx, act, wanted).await?.map_err(|unknown| unknown.unprocessable())?;
    let existing = membership::find_of_user(tx, act.environment_id, user.id, organization.id).await?;
    let membership = match existing {
        None => insert(tx, act, user.id, &organization, MembershipStatus::Active, roles).await?,
        Some(existing) => match existing.status {
            MembershipStatus::Active => return Err(already_member()),
            MembershipStatus::Pending => return Err(pending("reactivated", REACTIVATE_PENDING)),
            MembershipStatus::Inactive => {
                change(tx, act, existing, Some(MembershipStatus::Active), Some(roles)).await?
            }
        },
    };
    Ok((membership, user))
}

const REACTIVATE_PENDING: &str = "cannot_reactivate_pending_organization_membership";
const DEACTIVATE_PENDING: &str = "cannot_deactivate_pending_organization_membership";

fn pending(what: &str, code: &'static str) -> Failure {
    Failure::bad_request(
        code,
        format!("A pending membership cannot be {what}: its invitation has to be accepted, or it has to be deleted."),
    )
}

/// Changes the status, the roles or both.
///
/// # Errors
/// Database errors.
pub async fn change(
    tx: &mut Tx,
    act: &Act,
    mut changed: Membership,
    status: Option<MembershipStatus>,
    roles: Option<Vec<String>>,
) -> Result<Membership, Failure> {
    changed.status = status.unwrap_or(changed.status);
    changed.updated_at = act.now;
    membership::set_status(tx, act.environment_id, changed.id, changed.status, act.now).await?;
    if let Some(roles) = roles {
        membership::set_roles(tx, act.environment_id, changed.id, &roles).await?;
        changed.roles = roles;
    }
    record(tx, act, "organization_membership.updated", &changed).await?;
    Ok(changed)
}

/// Looks up the membership with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<Membership, Failure> {
    let missing = || Failure::not_found("Organization membership", id);
    let parsed = MembershipId::parse(id).map_err(|_| missing())?;
    membership::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// The same, locked against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<Membership, Failure> {
    if let Ok(parsed) = MembershipId::parse(id) {
        membership::lock(tx, act.environment_id, parsed).await?;
    }
    find(tx, act, id).await
}

/// The user of a membership.
///
/// # Errors
/// Database errors; an internal error when there is none, which the schema does not allow.
pub async fn person(query: &mut impl Query, act: &Act, membership: &Membership) -> Result<User, Failure> {
    user::find(query, act.environment_id, membership.user_id)
        .await?
        .ok_or_else(|| Failure::internal("a membership of nobody"))
}

/// Changes the roles of a member.
///
/// # Errors
/// 404; 422 `invalid_role`.
pub async fn set_roles(tx: &mut Tx, act: &Act, id: &str, wanted: Vec<String>) -> Result<Membership, Failure> {
    // Roles are locked before memberships, as when a membership is created.
    let roles = roles::assignable(tx, act, wanted).await?;
    let found = find_and_lock(tx, act, id).await?;
    change(tx, act, found, None, Some(roles.map_err(|unknown| unknown.unprocessable())?)).await
}

/// Deactivates a membership: what was issued on the basis of it ends, and its roles are kept. Does nothing if it is
/// already inactive.
///
/// # Errors
/// 404; 400 for a pending one.
pub async fn deactivate(tx: &mut Tx, act: &Act, id: &str) -> Result<Membership, Failure> {
    let found = find_and_lock(tx, act, id).await?;
    match found.status {
        MembershipStatus::Inactive => Ok(found),
        MembershipStatus::Pending => Err(pending("deactivated", DEACTIVATE_PENDING)),
        MembershipStatus::Active => {
            grants::membership_ended(tx, act, found.user_id, found.organization_id).await?;
            change(tx, act, found, Some(MembershipStatus::Inactive), None).await
        }
    }
}

/// Reactivates an inactive membership with the roles it had.
///
/// # Errors
/// 404; 400 for a pending one.
pub async fn reactivate(tx: &mut Tx, act: &Act, id: &str) -> Result<Membership, Failure> {
    let found = find_and_lock(tx, act, id).await?;
    match found.status {
        MembershipStatus::Active => Ok(found),
        MembershipStatus::Pending => Err(pending("reactivated", REACTIVATE_PENDING)),
        MembershipStatus::Inactive => change(tx, act, found, Some(MembershipStatus::Active), None).await,
    }
}

/// Deletes a membership: what was issued on the basis of it ends.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    // An open invitation would let the user in again. It is locked before the membership, as by a request that accepts
    // it at this moment.
    let found = find(tx, act, id).await?;
    let person = person(tx, act, &found).await?;
    invitations::revoke_open(tx, act, &person.email, found.organization_id).await?;
    let gone = find_and_lock(tx, act, id).await?;
    remove(tx, act, &gone).await
}

/// Deletes a membership that was found and locked. Open invitations stay.
///
/// # Errors
/// Database errors.
pub async fn remove(tx: &mut Tx, act: &Act, gone: &Membership) -> Result<(), Failure> {
    grants::membership_ended(tx, act, gone.user_id, gone.organization_id).await?;
    membership::delete(tx, act.environment_id, gone.id).await?;
    record(tx, act, "organization_membership.deleted", gone).await
}

/// Makes a user an active member, as an accepted invitation does; returns an active membership unchanged.
///
/// # Errors
/// Database errors.
pub async fn admit(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    organization_id: OrganizationId,
    roles: Vec<String>,
) -> Result<Membership, Failure> {
    match membership::find_of_user(tx, act.environment_id, user_id, organization_id).await? {
        Some(found) if found.status == MembershipStatus::Active => Ok(found),
        // A deactivated member is not let in by an old invitation.
        Some(found) if found.status == MembershipStatus::Inactive => {
            Err(Failure::bad_request("invalid_invite", "The membership was deactivated. Reactivate it first."))
        }
        Some(found) => change(tx, act, found, Some(MembershipStatus::Active), Some(roles)).await,
        None => {
            let organization = organizations::find(tx, act, &organization_id.to_string()).await?;
            insert(tx, act, user_id, &organization, MembershipStatus::Active, roles).await
        }
    }
}
