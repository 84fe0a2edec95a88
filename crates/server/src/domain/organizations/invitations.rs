//! Invitations: a link by which a person can join.

use crate::domain::organizations::{self, memberships, roles};
use crate::domain::{Act, Failure, events, mails, users};
use countersign_protocol::id::{EnvironmentId, InvitationId, OrganizationId, UserId};
use countersign_protocol::management::domain_name;
use countersign_protocol::management::views::{invitation_event_view, invitation_view};
use countersign_protocol::model::{
    DEFAULT_ROLE, Invitation, InvitationState, Membership, MembershipStatus, Organization, User, email_key,
};
use countersign_protocol::secret::Secret;
use countersign_store::{Query, Tx, invitation, membership, organization, signing_key, user};
use serde_json::Value;

/// The default lifetime of an invitation, in days.
pub const DAYS: i64 = 7;
/// The maximum length of a text that is looked up as a token.
pub const MAX_TOKEN_LENGTH: usize = 128;

/// The properties of a new invitation.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The email address that is invited.
    pub email: String,
    /// The organization to join.
    pub organization_id: Option<String>,
    /// The role to assign.
    pub role_slug: Option<String>,
    /// The lifetime in days.
    pub days: i64,
    /// The inviter.
    pub inviter_user_id: Option<String>,
    /// The language of the mail.
    pub locale: Option<String>,
}

fn context(act: &Act, id: InvitationId) -> [String; 3] {
    ["invitation-token".to_owned(), act.environment_id.to_string(), id.to_string()]
}

/// The token of an invitation.
///
/// # Errors
/// An internal error when the sealed token does not open.
pub fn token(act: &Act, invitation: &Invitation) -> Result<Secret, Failure> {
    let context = context(act, invitation.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let opened = act.keyring.invitation_token.open(&context, &invitation.sealed_token).map_err(Failure::internal)?;
    Ok(Secret::new(String::from_utf8(opened.to_vec()).map_err(Failure::internal)?))
}

/// The link in an invitation's mail.
pub fn url(act: &Act, token: &Secret) -> String {
    match &act.product_pages.invitation {
        Some(page) => page.with(&[("invitation_token", token.expose())]),
        None => format!("{}/invite?invitation_token={}", act.issuer, token.expose()),
    }
}

/// An invitation as the API returns it.
///
/// # Errors
/// As [`token`].
pub fn view(act: &Act, invitation: &Invitation) -> Result<Value, Failure> {
    let token = token(act, invitation)?;
    Ok(invitation_view(invitation, token.expose(), &url(act, &token), act.now))
}

async fn record(tx: &mut Tx, act: &Act, event: &'static str, invitation: &Invitation) -> Result<(), Failure> {
    events::record(tx, act, event, invitation.organization_id, &invitation_event_view(invitation, act.now)).await
}

/// Creates an invitation, and a pending membership if the invited address has an account.
///
/// # Errors
/// 404 for the organization or inviter; 400 for an unknown role, and if the address is already invited, a member or a
/// user.
pub async fn create(tx: &mut Tx, act: &Act, new: NewInvitation) -> Result<Invitation, Failure> {
    let inviter = match &new.inviter_user_id {
        Some(id) => Some(users::find(tx, act, id).await?.id),
        None => None,
    };
    // Of two concurrent invitations of the same address, the second sees what the first has done.
    let organization = match &new.organization_id {
        Some(id) => Some(organizations::find_and_lock(tx, act, id).await?),
        None => {
            signing_key::lock(tx, act.environment_id).await?;
            None
        }
    };
    let roles = roles::assignable(tx, act, new.role_slug.iter().cloned().collect()).await?;
    let roles = roles.map_err(|unknown| unknown.bad_request())?;
    let invited = user::find_by_email(tx, act.environment_id, &new.email).await?;
    let open =
        invitation::find_open(tx, act.environment_id, &new.email, organization.as_ref().map(|o| o.id), act.now).await?;
    match &organization {
        Some(organization) => {
            if let Some(user) = &invited
                && membership::is_active(tx, act.environment_id, user.id, organization.id).await?
            {
                return Err(Failure::bad_request(
                    "user_already_organization_member",
                    "A user with this email address is already a member of the organization.",
                ));
            }
            if open.is_some() {
                return Err(Failure::bad_request(
                    "email_already_invited_to_organization",
                    "This email address has already been invited to the organization.",
                ));
            }
        }
        None if invited.is_some() => {
            return Err(Failure::bad_request("user_already_exists", "A user with this email address already exists."));
        }
        None if open.is_some() => {
            return Err(Failure::bad_request("email_already_invited", "This email address has already been invited."));
        }
        None => {}
    }
    let id = act.entropy.id(act.now)?;
    let token = act.entropy.link_token()?;
    let context = context(act, id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let sealed_token = act
        .keyring
        .invitation_token
        .seal(&context, token.expose().as_bytes(), act.entropy.bytes()?)
        .map_err(Failure::internal)?;
    let made = Invitation {
        id,
        email: new.email,
        state: InvitationState::Pending,
        organization_id: organization.as_ref().map(|organization| organization.id),
        inviter_user_id: inviter,
        role_slug: new.role_slug,
        sealed_token,
        expires_at: act.now.plus_secs(new.days * 86_400),
        created_at: act.now,
        updated_at: act.now,
    };
    let digest = act.keyring.invitation.digest(token.expose());
    invitation::insert(tx, act.environment_id, &made, &digest).await?;
    record(tx, act, "invitation.created", &made).await?;
    if let (Some(user), Some(organization)) = (invited, organization) {
        await_acceptance(tx, act, &user, &organization, roles).await?;
    }
    if act.default_mails.invitation {
        mails::invitation(tx, act, &made, &token, new.locale.as_deref()).await?;
    }
    Ok(made)
}

/// Locks a user's membership against other changes until this transaction ends, and returns it.
async fn held(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<Option<Membership>, Failure> {
    let Some(found) = membership::find_of_user(tx, act.environment_id, user_id, organization_id).await? else {
        return Ok(None);
    };
    membership::lock(tx, act.environment_id, found.id).await?;
    Ok(membership::find_of_user(tx, act.environment_id, user_id, organization_id).await?)
}

/// Makes an invited user a pending member, unless they are a member. The newest invitation determines the roles. A
/// deactivated member is rejected, who could not accept the invitation ([`memberships::admit`]).
async fn await_acceptance(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    organization: &Organization,
    roles: Vec<String>,
) -> Result<(), Failure> {
    match held(tx, act, user.id, organization.id).await? {
        None => {
            memberships::insert(tx, act, user.id, organization, MembershipStatus::Pending, roles).await?;
        }
        Some(found) if found.status == MembershipStatus::Inactive => {
            return Err(Failure::bad_request(
                "user_already_organization_member",
                "The membership of the user with this email address was deactivated. Reactivate it instead of inviting them.",
            ));
        }
        Some(found) if found.status == MembershipStatus::Pending && found.roles != roles => {
            memberships::change(tx, act, found, None, Some(roles)).await?;
        }
        Some(_) => {}
    }
    Ok(())
}

/// Looks up the invitation with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<Invitation, Failure> {
    let missing = || Failure::not_found("Invitation", id);
    let parsed = InvitationId::parse(id).map_err(|_| missing())?;
    invitation::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// The same, locked against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<Invitation, Failure> {
    if let Ok(parsed) = InvitationId::parse(id) {
        invitation::lock(tx, act.environment_id, parsed).await?;
    }
    find(tx, act, id).await
}

/// Looks up the invitation whose link has this token.
///
/// # Errors
/// 404.
pub async fn find_by_token(query: &mut impl Query, act: &Act, token: &str) -> Result<Invitation, Failure> {
    let missing = || Failure::not_found("Invitation", token);
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(missing());
    }
    let digest = act.keyring.invitation.digest(token);
    invitation::find_by_token(query, act.environment_id, &digest).await?.ok_or_else(missing)
}

/// Whether an invitation is meant for this user: it was sent to their verified address or, for an organization, to
/// another one at the same domain, which the organization has verified. Other domains may be open to everybody.
///
/// # Errors
/// Database errors.
pub async fn is_meant_for(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    invitation: &Invitation,
    user: &User,
) -> Result<bool, Failure> {
    if !user.email_verified {
        return Ok(false);
    }
    if email_key(&user.email) == email_key(&invitation.email) {
        return Ok(true);
    }
    let domain = |email: &str| email.rsplit_once('@').and_then(|(_, domain)| domain_name::normalize(domain));
    let (Some(organization_id), Some(own)) = (invitation.organization_id, domain(&user.email)) else {
        return Ok(false);
    };
    if domain(&invitation.email).is_none_or(|sent| sent != own) {
        return Ok(false);
    }
    let owner = organization::owner_of_domain(query, environment_id, &own).await?;
    Ok(owner == Some(organization_id))
}

fn not_pending() -> Failure {
    Failure::bad_request("invite_not_pending", "The invitation is not pending.")
}

/// Accepts an invitation for the user with its address.
///
/// # Errors
/// 404; 400 `invite_not_pending`, and `invalid_invite` when no user has its address.
pub async fn accept(tx: &mut Tx, act: &Act, id: &str) -> Result<Invitation, Failure> {
    let found = find_and_lock(tx, act, id).await?;
    if !found.is_open(act.now) {
        return Err(not_pending());
    }
    let user = user::find_by_email(tx, act.environment_id, &found.email).await?.ok_or_else(|| {
        Failure::bad_request("invalid_invite", "There is no user with the email address of the invitation yet.")
    })?;
    accept_as(tx, act, found, &user).await
}

/// Accepts an invitation that was found and locked. The caller has checked that the user may accept it.
///
/// # Errors
/// 400 `invite_not_pending`.
pub async fn accept_as(tx: &mut Tx, act: &Act, mut found: Invitation, user: &User) -> Result<Invitation, Failure> {
    let accepted = InvitationState::Accepted { at: act.now, by: user.id };
    if !found.is_open(act.now) || !invitation::settle(tx, act.environment_id, found.id, accepted, act.now).await? {
        return Err(not_pending());
    }
    found.state = accepted;
    found.updated_at = act.now;
    record(tx, act, "invitation.accepted", &found).await?;
    if let Some(organization_id) = found.organization_id {
        // A pending member already has the invitation's roles, or those assigned since.
        let waiting = membership::find_of_user(tx, act.environment_id, user.id, organization_id).await?;
        let wanted = match &waiting {
            Some(waiting) => waiting.roles.clone(),
            None => vec![found.role_slug.clone().unwrap_or_else(|| DEFAULT_ROLE.to_owned())],
        };
        // A role that was deleted in the meantime is replaced by the default one.
        let roles = match roles::assignable(tx, act, wanted).await? {
            Ok(roles) => roles,
            Err(_) => roles::assignable(tx, act, Vec::new()).await?.unwrap_or_default(),
        };
        // If other roles were assigned since they were read, those stay.
        let roles = match held(tx, act, user.id, organization_id).await? {
            Some(now) if waiting.as_ref().is_none_or(|waiting| waiting.roles != now.roles) => now.roles,
            // The membership whose roles these are was deleted; the invitation may not assign them.
            None if waiting.is_some() => return Err(countersign_store::Error::ForeignKey.into()),
            _ => roles,
        };
        memberships::admit(tx, act, user.id, organization_id, roles).await?;
    }
    Ok(found)
}

/// Sends the mail of an invitation again.
///
/// # Errors
/// 404; 400 `invite_expired`, `invite_revoked`, `invite_accepted`.
pub async fn resend(tx: &mut Tx, act: &Act, id: &str, locale: Option<String>) -> Result<Invitation, Failure> {
    let mut found = find_and_lock(tx, act, id).await?;
    match found.state {
        InvitationState::Accepted { .. } => {
            return Err(Failure::bad_request("invite_accepted", "The invitation has been accepted already."));
        }
        InvitationState::Revoked { .. } => {
            return Err(Failure::bad_request("invite_revoked", "The invitation has been revoked."));
        }
        InvitationState::Pending if found.is_expired(act.now) => {
            return Err(Failure::bad_request("invite_expired", "The invitation has expired."));
        }
        InvitationState::Pending => {}
    }
    found.updated_at = act.now;
    invitation::touch(tx, act.environment_id, found.id, act.now).await?;
    record(tx, act, "invitation.resent", &found).await?;
    if act.default_mails.invitation {
        mails::invitation(tx, act, &found, &token(act, &found)?, locale.as_deref()).await?;
    }
    Ok(found)
}

/// Revokes an open invitation that could still admit the person with an address to an organization.
///
/// # Errors
/// Database errors.
pub async fn revoke_open(tx: &mut Tx, act: &Act, email: &str, organization_id: OrganizationId) -> Result<(), Failure> {
    let open = invitation::find_open(tx, act.environment_id, email, Some(organization_id), act.now).await?;
    let Some(mut found) = open else { return Ok(()) };
    let revoked = InvitationState::Revoked { at: act.now };
    // If a concurrent request has just accepted it, there is nothing to revoke.
    if invitation::settle(tx, act.environment_id, found.id, revoked, act.now).await? {
        found.state = revoked;
        found.updated_at = act.now;
        record(tx, act, "invitation.revoked", &found).await?;
    }
    Ok(())
}

/// Revokes an invitation, and deletes the pending membership that resulted from it.
///
/// # Errors
/// 404; 400 `invite_not_pending`.
pub async fn revoke(tx: &mut Tx, act: &Act, id: &str) -> Result<Invitation, Failure> {
    let mut found = find_and_lock(tx, act, id).await?;
    let revoked = InvitationState::Revoked { at: act.now };
    if !found.is_open(act.now) || !invitation::settle(tx, act.environment_id, found.id, revoked, act.now).await? {
        return Err(not_pending());
    }
    found.state = revoked;
    found.updated_at = act.now;
    record(tx, act, "invitation.revoked", &found).await?;
    if let Some(organization_id) = found.organization_id
        && let Some(user) = user::find_by_email(tx, act.environment_id, &found.email).await?
        && let Some(waiting) = held(tx, act, user.id, organization_id).await?
        && waiting.status == MembershipStatus::Pending
    {
        memberships::remove(tx, act, &waiting).await?;
    }
    Ok(found)
}
