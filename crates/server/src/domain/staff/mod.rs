//! The company's own staff: users of the built-in environment who are members of its one organization. Their roles
//! there determine what they may do in the dashboard.

pub mod changes;

use crate::domain::organizations::roles::{self, NewRole};
use crate::domain::organizations::{self, memberships};
use crate::domain::users::{self, password_resets};
use crate::domain::{Act, Failure, audit_log};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{
    Actor, EnvironmentKind, Issuer, Membership, MembershipStatus, Organization, Place, StaffRole, User,
};
use countersign_store::change::{self, Topic};
use countersign_store::membership::Of;
use countersign_store::{Query, Tx, environment, membership, organization, role, staff_link, user};
use std::sync::Arc;

/// The external ID of the staff organization.
const ORGANIZATION: &str = "staff";

/// The lifetime of a link, in seconds.
pub const LINK_LIFETIME: i64 = 86_400;

/// Creates the staff organization and its roles if they are missing. Returns whether the organization was created.
///
/// # Errors
/// Database errors.
pub async fn ensure(tx: &mut Tx, act: &Act) -> Result<bool, Failure> {
    for known in StaffRole::ALL {
        if role::find(tx, act.environment_id, known.as_str()).await?.is_none() {
            let (slug, name) = (known.as_str().to_owned(), known.name().to_owned());
            roles::create(tx, act, NewRole { slug, name, description: None }).await?;
        }
    }
    let missing = organization::find_by_external_id(tx, act.environment_id, ORGANIZATION).await?.is_none();
    if missing {
        let new = organizations::NewOrganization {
            name: "Staff".to_owned(),
            external_id: Some(ORGANIZATION.to_owned()),
            ..organizations::NewOrganization::default()
        };
        organizations::create(tx, act, new).await?;
    }
    Ok(missing)
}

/// Moves the dashboard to another address. Returns the [`Act`] for operations there.
///
/// # Errors
/// Database errors.
pub async fn move_to(tx: &mut Tx, act: &Act, issuer: Issuer, kind: EnvironmentKind) -> Result<Act, Failure> {
    environment::move_staff(tx, act.environment_id, (&issuer, kind), act.now).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "environment.updated", "environment", act.environment_id).await?;
    Ok(Act { issuer, environment_kind: kind, ..act.clone() })
}

/// The staff organization.
///
/// # Errors
/// Database errors; an internal error if there is none.
pub async fn organization(query: &mut impl Query, act: &Act) -> Result<Organization, Failure> {
    let found = organization::find_by_external_id(query, act.environment_id, ORGANIZATION).await?;
    found.ok_or_else(|| Failure::internal("the organization of staff is missing"))
}

/// Whether there is no staff yet.
///
/// # Errors
/// Database errors.
pub async fn is_nobody(query: &mut impl Query, act: &Act) -> Result<bool, Failure> {
    let organization = organization(query, act).await?;
    let slice = Slice { scan: Scan::Ascending, from: None, limit: 1 };
    let of = Of::Organization(organization.id);
    let all = [MembershipStatus::Active, MembershipStatus::Inactive, MembershipStatus::Pending];
    Ok(membership::list(query, act.environment_id, &slice, of, &all).await?.is_empty())
}

/// The role of a user; `None` if the user is not, or is no longer, staff.
///
/// # Errors
/// Database errors.
pub async fn role_of(query: &mut impl Query, act: &Act, user_id: UserId) -> Result<Option<StaffRole>, Failure> {
    let organization = organization(query, act).await?;
    let found = membership::find_of_user(query, act.environment_id, user_id, organization.id).await?;
    Ok(found.filter(|found| found.status == MembershipStatus::Active).and_then(|found| StaffRole::most(&found.roles)))
}

/// Creates a single-use link that admits whoever opens it to the dashboard with this role, and returns its URL.
///
/// # Errors
/// Database errors.
pub async fn make_link(tx: &mut Tx, act: &Act, role: StaffRole) -> Result<String, Failure> {
    let token = URL_SAFE_NO_PAD.encode(act.entropy.bytes::<32>()?);
    let digest = act.keyring.staff_link.digest(&token);
    staff_link::insert(tx, act.environment_id, &digest, role, act.now.plus_secs(LINK_LIFETIME)).await?;
    audit_log::note(tx, act, "staff_link.created", "staff_role", role.as_str()).await?;
    Ok(format!("{}/welcome?token={token}", act.issuer))
}

/// Creates a link with which a staff member sets a new password, for use where no mail can be sent, and returns its
/// URL.
///
/// # Errors
/// 403 `email_password_auth_disabled`; 404 if no staff member has the address.
pub async fn make_password_link(tx: &mut Tx, act: &Act, email: &str) -> Result<String, Failure> {
    if !act.authentication.password {
        return Err(Failure::Refused(password_resets::passwords_off()));
    }
    let missing = || Failure::not_found("Member of staff", email);
    let found = user::find_by_email(tx, act.environment_id, email).await?.ok_or_else(missing)?;
    role_of(tx, act, found.id).await?.ok_or_else(missing)?;
    Ok(password_resets::make(tx, act, &found).await?.1)
}

/// The account that a link creates.
#[derive(Debug)]
pub struct NewStaff {
    /// The address, as typed.
    pub email: String,
    /// The hash of the password.
    pub password_hash: String,
    /// Where the request came from.
    pub from: Place,
    /// Whether this server sends mail: an address can be verified then, and must be.
    pub mail: bool,
}

/// Uses up a link: creates the account and makes it staff. Returns the user; `None` if the link was used, has expired,
/// or never existed.
///
/// The address is not verified yet. The next sign-in with it verifies it by a mailed code, which ends whatever somebody
/// else may have set up in that person's name. This does not apply to an owner, who may do everything anyway, or where
/// no mail can be sent.
///
/// # Errors
/// 400 `user_creation_error` if an account with that address exists: a link does not prove that the two are the same
/// person.
pub async fn admit(tx: &mut Tx, act: &Act, token: &str, new: NewStaff) -> Result<Option<UserId>, Failure> {
    let digest = act.keyring.staff_link.digest(token);
    let Some(role) = staff_link::use_up(tx, act.environment_id, &digest, act.now).await? else {
        return Ok(None);
    };
    if is_nobody(tx, act).await? {
        // There may have been several links until now. There is an owner now, so the others must not admit anybody.
        staff_link::delete_all(tx, act.environment_id).await?;
    }
    let account = users::NewUser {
        email: new.email,
        email_verified: role == StaffRole::Owner || !new.mail,
        password_hash: Some(new.password_hash),
        ..users::NewUser::default()
    };
    let user = users::create(tx, act, account).await?;
    let actor = Actor::Staff { id: user.id.to_string(), name: user.email.clone(), from: new.from };
    let by = Act { actor: Arc::new(actor), ..act.clone() };
    let organization = organization(tx, act).await?;
    memberships::admit(tx, &by, user.id, organization.id, vec![role.as_str().to_owned()]).await?;
    audit_log::note(tx, &by, "staff_link.used", "staff_role", role.as_str()).await?;
    Ok(Some(user.id))
}

/// Whether nobody else is an owner: the last owner can be neither removed nor demoted.
///
/// # Errors
/// Database errors.
pub async fn is_last_owner(
    query: &mut impl Query,
    act: &Act,
    of: OrganizationId,
    who: UserId,
) -> Result<bool, Failure> {
    Ok(!owners(query, act, of).await?.iter().any(|owner| owner.id != who))
}

/// Current and former staff with their memberships; the first thousand.
///
/// # Errors
/// Database errors.
pub async fn list(query: &mut impl Query, act: &Act) -> Result<Vec<(Membership, User)>, Failure> {
    let organization = organization(query, act).await?;
    let slice = Slice { scan: Scan::Ascending, from: None, limit: 1000 };
    let all = [MembershipStatus::Active, MembershipStatus::Inactive, MembershipStatus::Pending];
    Ok(membership::list(query, act.environment_id, &slice, Of::Organization(organization.id), &all).await?)
}

async fn owners(query: &mut impl Query, act: &Act, of: OrganizationId) -> Result<Vec<User>, Failure> {
    let slice = Slice { scan: Scan::Ascending, from: None, limit: 1000 };
    let listed =
        membership::list(query, act.environment_id, &slice, Of::Organization(of), &[MembershipStatus::Active]).await?;
    let owns = |roles: &[String]| StaffRole::most(roles) == Some(StaffRole::Owner);
    Ok(listed.into_iter().filter(|(membership, _)| owns(&membership.roles)).map(|(_, user)| user).collect())
}
