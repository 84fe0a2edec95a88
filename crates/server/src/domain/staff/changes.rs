//! Changes that staff members make to each other. The actor is looked up again in the transaction, under a lock that
//! every such change takes: if two dismiss each other at once, only one is dismissed.

use crate::domain::organizations::invitations::{DAYS, NewInvitation};
use crate::domain::organizations::{self, invitations, memberships};
use crate::domain::sessions::everywhere;
use crate::domain::users::{self, second_factors};
use crate::domain::{Act, Failure, staff};
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{Invitation, Membership, StaffRole};
use countersign_store::invitation::{self, Filter};
use countersign_store::{Tx, staff_link, user};

/// Rows read at a time.
const SOME: usize = 100;

fn not_allowed(message: &str) -> Failure {
    Failure::Refused(ApiError::Forbidden { code: "staff_role", message: message.to_owned() })
}

/// Checks that the actor `by` may grant and revoke these roles, and locks staff changes until this transaction ends.
async fn authority(tx: &mut Tx, act: &Act, by: UserId, roles: &[StaffRole]) -> Result<OrganizationId, Failure> {
    let id = staff::organization(tx, act).await?.id;
    organizations::find_and_lock(tx, act, &id.to_string()).await?;
    let own = staff::role_of(tx, act, by).await?;
    let own = own.filter(|own| own.allows(StaffRole::Admin));
    let own = own.ok_or_else(|| not_allowed("You need the role Admin or a greater one."))?;
    if roles.iter().any(|role| !own.allows(*role)) {
        return Err(not_allowed("Only an owner can grant, change or take away the role of an owner."));
    }
    Ok(id)
}

/// Invites a person by mail.
///
/// # Errors
/// 403; 400 if the person is already invited or a member.
pub async fn invite(tx: &mut Tx, act: &Act, by: UserId, email: String, role: StaffRole) -> Result<Invitation, Failure> {
    let organization_id = authority(tx, act, by, &[role]).await?;
    let new = NewInvitation {
        email,
        organization_id: Some(organization_id.to_string()),
        role_slug: Some(role.as_str().to_owned()),
        days: DAYS,
        inviter_user_id: Some(by.to_string()),
        locale: None,
    };
    invitations::create(tx, act, new).await
}

/// Creates a single-use link that admits whoever opens it, and returns its URL.
///
/// # Errors
/// 403.
pub async fn make_link(tx: &mut Tx, act: &Act, by: UserId, role: StaffRole) -> Result<String, Failure> {
    authority(tx, act, by, &[role]).await?;
    staff::make_link(tx, act, role).await
}

/// Checks that an invitation is for staff and that the actor `by` may resend or revoke it, which takes authority over
/// its role.
async fn invitation_of(tx: &mut Tx, act: &Act, by: UserId, id: &str) -> Result<(), Failure> {
    let found = invitations::find(tx, act, id).await?;
    let role = found.role_slug.as_deref().and_then(StaffRole::parse);
    let organization_id = authority(tx, act, by, role.as_slice()).await?;
    if found.organization_id == Some(organization_id) { Ok(()) } else { Err(Failure::not_found("Invitation", id)) }
}

/// Sends the mail of an invitation again.
///
/// # Errors
/// 403, 404; 400 if it is no longer open.
pub async fn resend(tx: &mut Tx, act: &Act, by: UserId, id: &str) -> Result<(), Failure> {
    invitation_of(tx, act, by, id).await?;
    invitations::resend(tx, act, id, None).await.map(drop)
}

/// Revokes an invitation.
///
/// # Errors
/// 403, 404; 400 if it is no longer open.
pub async fn revoke(tx: &mut Tx, act: &Act, by: UserId, id: &str) -> Result<(), Failure> {
    invitation_of(tx, act, by, id).await?;
    invitations::revoke(tx, act, id).await.map(drop)
}

/// Looks up a staff member whom the actor `by` may change, and their current role; `wanted` is their new role.
async fn changeable(
    tx: &mut Tx,
    act: &Act,
    by: UserId,
    id: &str,
    wanted: Option<StaffRole>,
) -> Result<(Membership, Option<StaffRole>), Failure> {
    let organization_id = authority(tx, act, by, wanted.as_slice()).await?;
    let found = memberships::find(tx, act, id).await?;
    if found.organization_id != organization_id {
        return Err(Failure::not_found("Member of staff", id));
    }
    if found.user_id == by {
        return Err(not_allowed("You cannot change your own role. Another owner or admin can."));
    }
    let current = StaffRole::most(&found.roles);
    authority(tx, act, by, current.as_slice()).await?;
    if current == Some(StaffRole::Owner)
        && wanted != current
        && staff::is_last_owner(tx, act, organization_id, found.user_id).await?
    {
        return Err(not_allowed("They are the last owner. Make somebody else owner first."));
    }
    Ok((found, current))
}

/// Changes the role of a staff member.
///
/// # Errors
/// 403, 404.
pub async fn set_role(tx: &mut Tx, act: &Act, by: UserId, id: &str, role: StaffRole) -> Result<(), Failure> {
    let (found, current) = changeable(tx, act, by, id, Some(role)).await?;
    memberships::set_roles(tx, act, id, vec![role.as_str().to_owned()]).await?;
    if current.is_some_and(|current| !role.allows(current)) {
        withdraw(tx, act, &found).await?;
    }
    Ok(())
}

/// Removes the second factors of a staff member who has lost their device. Requires the same authority as changing
/// their role.
///
/// # Errors
/// 403, 404.
pub async fn remove_second_factor(tx: &mut Tx, act: &Act, by: UserId, id: &str) -> Result<(), Failure> {
    let (found, _) = changeable(tx, act, by, id, None).await?;
    let person = users::find(tx, act, &found.user_id.to_string()).await?;
    second_factors::remove_all(tx, act, &person).await.map(drop)
}

/// Removes a staff member and signs them out at once.
///
/// # Errors
/// 403, 404.
pub async fn dismiss(tx: &mut Tx, act: &Act, by: UserId, id: &str) -> Result<(), Failure> {
    let (found, _) = changeable(tx, act, by, id, None).await?;
    // Lock the account first, as a concurrent sign-in does: the opposite order would deadlock.
    user::lock(tx, act.environment_id, found.user_id).await?;
    withdraw(tx, act, &found).await?;
    memberships::delete(tx, act, id).await?;
    everywhere::sign_out_everywhere(tx, act, found.user_id).await
}

/// Deletes the staff links, and revokes the open invitations made by a person who loses a role: they could use one that
/// they created to come back. Links do not record their creator, so all of them are deleted.
async fn withdraw(tx: &mut Tx, act: &Act, of: &Membership) -> Result<(), Failure> {
    staff_link::delete_all(tx, act.environment_id).await?;
    let filter = Filter { email: None, organization_id: Some(of.organization_id) };
    let mut from = None;
    loop {
        let slice = Slice { scan: Scan::Descending, from, limit: SOME };
        let rows = invitation::list(tx, act.environment_id, &slice, filter).await?;
        for row in &rows {
            if row.inviter_user_id == Some(of.user_id) && row.is_open(act.now) {
                invitations::revoke(tx, act, &row.id.to_string()).await?;
            }
        }
        match rows.last() {
            Some(last) if rows.len() == SOME => from = Some(last.id),
            _ => return Ok(()),
        }
    }
}
