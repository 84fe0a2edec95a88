//! From a proof of who somebody is to a session. What is asked, in this order: is the account still the one that the proof
//! is about, is the address proven, was the proof brought back before, is there a second factor, can the invitation be
//! followed, which organization. All of it, and what follows from it, is one transaction.

use super::authenticate::Asking;
use super::pending::{self, PendingId, Proof};
use super::{Refused, tokens};
use crate::domain::organizations::invitations;
use crate::domain::sessions::Origin;
use crate::domain::sessions::{self, families};
use crate::domain::users::address_proof;
use crate::domain::users::authentications::ClientInfo;
use crate::domain::users::second_factors::Need;
use crate::domain::users::{authentications, email_verification, magic_auth, mailed_codes, second_factors};
use crate::domain::{Act, Failure};
use crate::http::reply::Reply;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{AuthenticationMethod, Invitation, Session, SessionFamily, User};
use countersign_protocol::user_management::error::{AuthenticateError, StepUp};
use countersign_store::{Tx, membership, session_family, user};

/// Most organizations that are told to choose from. Who belongs to more may be brought into any of them.
const MAX_OFFERED: i64 = 200;

/// The step that was missing, and is done now.
#[derive(Debug, Clone)]
pub enum Step {
    /// The address is proven with this code.
    Address(String),
    /// The person has this code of a second factor.
    SecondFactor {
        /// The challenge that it answers.
        challenge_id: String,
        /// The code.
        code: String,
    },
    /// The person goes on in this organization.
    Organization(OrganizationId),
}

/// What a proof has led to.
enum Outcome {
    /// A session.
    SignedIn(Box<(User, Session, SessionFamily)>),
    /// Something is missing.
    StepUp(StepUp),
    /// The code is not good. That it was tried is kept.
    Refused(mailed_codes::Refused),
}

/// Whether people may prove who they are in this way here.
///
/// # Errors
/// 403 `email_password_auth_disabled`, `authentication_method_not_allowed`.
pub fn require_method(asking: &Asking<'_>, method: AuthenticationMethod) -> Result<(), Refused> {
    let allowed = asking.call.environment.environment.authentication;
    let (open, code) = match method {
        AuthenticationMethod::Password => (allowed.password, "email_password_auth_disabled"),
        AuthenticationMethod::MagicAuth => (allowed.magic_auth, "authentication_method_not_allowed"),
        AuthenticationMethod::ExternalAuth | AuthenticationMethod::Link => (false, "authentication_method_not_allowed"),
    };
    let message = "This way to sign in is turned off in this environment.".to_owned();
    if open { Ok(()) } else { Err(Refused::Error(ApiError::Forbidden { code, message }.into())) }
}

/// Signs in whoever has proven who they are. A proof that was left pending comes with the step that was missing, and is
/// used up by it.
///
/// # Errors
/// The steps that are missing, and whatever makes the proof worthless.
pub async fn go_on(
    asking: &Asking<'_>,
    proof: Proof,
    brought_back: Option<(PendingId, Step)>,
) -> Result<Reply, Refused> {
    require_method(asking, proof.method)?;
    let act = asking.act();
    // Where the person is now, or was at the first proof, where nothing is said of now.
    let client_info = ClientInfo {
        ip_address: asking.ip_address.clone().or_else(|| proof.ip_address.clone()),
        user_agent: asking.user_agent.clone().or_else(|| proof.user_agent.clone()),
    };
    let outcome = asking.call.app.store.write::<Outcome, Refused, _>(move |tx| {
        Box::pin(async move { decide(tx, &act, proof, brought_back, client_info).await })
    });
    let outcome = outcome.await?;
    asking.call.app.catch_up().await;
    match outcome {
        Outcome::SignedIn(made) => {
            let (user, session, family) = *made;
            let holder = tokens::Holder::load(asking, &user, family.organization_id).await?;
            tokens::issue(asking, holder, &user, &session, &family)
        }
        Outcome::StepUp(step) => Err(AuthenticateError::StepUp(Box::new(step)).into()),
        Outcome::Refused(refused) => Err(AuthenticateError::Api(magic_auth::refusal(refused)).into()),
    }
}

async fn decide(
    tx: &mut Tx,
    act: &Act,
    mut proof: Proof,
    brought_back: Option<(PendingId, Step)>,
    client_info: ClientInfo,
) -> Result<Outcome, Refused> {
    let Some(mut user) = proof.account(tx, act).await? else {
        return Err(AuthenticateError::invalid_pending_authentication_token().into());
    };
    if let Some((_, Step::Address(code))) = &brought_back {
        if user.email_verified {
            return Ok(Outcome::Refused(mailed_codes::Refused::Used));
        }
        match email_verification::confirm(tx, act, (user.id, code), &client_info).await? {
            Ok(proven) => user = proven,
            Err(refused) => return Ok(Outcome::Refused(refused)),
        }
    }
    if let Some((_, Step::SecondFactor { challenge_id, code })) = &brought_back {
        // Who has not proven the address may not be whose factor it would be.
        if !user.email_verified {
            return Err(AuthenticateError::invalid_pending_authentication_token().into());
        }
        match second_factors::answer(tx, act, &user, (challenge_id, code), &client_info).await? {
            Ok(id) => proof.factor_id = Some(id),
            Err(refused) => return Ok(Outcome::Refused(refused)),
        }
    }
    let choice = match &brought_back {
        Some((_, Step::Organization(id))) => Some(*id),
        _ => None,
    };
    if let Some((id, _)) = &brought_back
        && !pending::use_up(tx, act, id).await?
    {
        return Err(AuthenticateError::invalid_pending_authentication_token().into());
    }
    let invitation = match &proof.invitation_token {
        Some(token) => Some(open_invitation(tx, act, token).await?),
        None => None,
    };
    // The mail with the invitation went to this very address: who brings its token has read it.
    if let Some(invitation) = &invitation
        && !user.email_verified
        && address_proof::address_proven(
            tx,
            act,
            user.id,
            &invitation.email,
            proof.method == AuthenticationMethod::Password,
        )
        .await?
    {
        user.email_verified = true;
    }
    if !user.email_verified {
        let verification = email_verification::require(tx, act, user.id).await?;
        return Ok(Outcome::StepUp(StepUp::EmailVerification {
            pending_authentication_token: proof.seal(act)?,
            email: user.email,
            email_verification_id: verification.id,
        }));
    }
    match second_factors::need(tx, act, user.id).await? {
        Need::Nothing => {}
        // Of one that the person still has.
        Need::Code(factors) if factors.iter().any(|factor| proof.factor_id == Some(factor.id)) => {}
        Need::Enrolment => {
            let (pending_authentication_token, user) = (proof.seal(act)?, user_view(&user));
            return Ok(Outcome::StepUp(StepUp::MfaEnrollment { pending_authentication_token, user }));
        }
        Need::Code(factors) => {
            let factors = factors.iter().map(|factor| factor.id).collect();
            let (pending_authentication_token, user) = (proof.seal(act)?, user_view(&user));
            return Ok(Outcome::StepUp(StepUp::MfaChallenge { pending_authentication_token, user, factors }));
        }
    }
    let invited = match invitation {
        Some(invitation) => follow(tx, act, invitation, &user).await?,
        None => None,
    };
    let organization_id = match choice.or(invited) {
        Some(id) => Some(id),
        None => {
            let memberships = membership::active_of_user(tx, act.environment_id, user.id, MAX_OFFERED, None).await?;
            match memberships.as_slice() {
                [] => None,
                [only] => Some(only.organization_id),
                several => {
                    // What was followed is followed; it must not be asked for again.
                    proof.invitation_token = None;
                    return Ok(Outcome::StepUp(StepUp::OrganizationSelection {
                        pending_authentication_token: proof.seal(act)?,
                        user: user_view(&user),
                        organizations: several
                            .iter()
                            .map(|one| (one.organization_id, one.organization_name.clone()))
                            .collect(),
                    }));
                }
            }
        }
    };
    if let Some(id) = organization_id
        && !membership::hold(tx, act.environment_id, user.id, id).await?
    {
        return Err(AuthenticateError::not_a_member().into());
    }
    if let Some(shown) = authentications::Proof::of_session(proof.method) {
        authentications::succeeded(tx, act, shown, &client_info, &user).await?;
    }
    let origin =
        Origin { method: proof.method, ip_address: proof.ip_address, user_agent: proof.user_agent, organization_id };
    let session = sessions::start(tx, act, user.id, &origin).await?;
    let family = families::begin(act, &session, organization_id)?;
    session_family::insert(tx, act.environment_id, &family).await?;
    // As it is now: that the person has signed in is noted there.
    let user = user::find(tx, act.environment_id, user.id).await?.unwrap_or(user);
    Ok(Outcome::SignedIn(Box::new((user, session, family))))
}

fn invitation_invalid() -> AuthenticateError {
    AuthenticateError::OAuth("invitation_invalid", "The invitation is unknown, expired or used.".into())
}

/// The open invitation with this token, locked.
///
/// # Errors
/// `invitation_invalid`.
pub async fn open_invitation(tx: &mut Tx, act: &Act, token: &str) -> Result<Invitation, Refused> {
    let found = match invitations::find_by_token(tx, act, token).await {
        Ok(found) => invitations::find_and_lock(tx, act, &found.id.to_string()).await,
        missing => missing,
    };
    match found {
        Ok(found) if found.is_open(act.now) => Ok(found),
        Ok(_) | Err(Failure::Refused(_)) => Err(invitation_invalid().into()),
        Err(failure) => Err(failure.into()),
    }
}

/// Follows an invitation; gives the organization that it leads to.
///
/// # Errors
/// `invitation_cannot_be_used_for_email`, `invitation_invalid`.
pub async fn follow(
    tx: &mut Tx,
    act: &Act,
    invitation: Invitation,
    user: &User,
) -> Result<Option<OrganizationId>, Refused> {
    if !invitations::is_meant_for(tx, act.environment_id, &invitation, user).await? {
        return Err(AuthenticateError::OAuth(
            "invitation_cannot_be_used_for_email",
            "The invitation is for another email address.".into(),
        )
        .into());
    }
    match invitations::accept_as(tx, act, invitation, user).await {
        Ok(accepted) => Ok(accepted.organization_id),
        Err(Failure::Refused(_)) => Err(invitation_invalid().into()),
        Err(failure) => Err(failure.into()),
    }
}
