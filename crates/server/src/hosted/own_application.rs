//! `/user_management/authorize`: from a request of the environment's own application to a code. As with OAuth, everything
//! is read and decided anew each time the browser arrives here. Nobody is asked to agree: the application is the product.

use super::authorize::{MAX_LENGTH, found, of_the_application, redirect_scheme};
use super::choose_organization::{Choice, Organizations};
use super::flow::{Flow, Target};
use super::page::{PageError, keep_requested_language, redirect};
use super::session::{self, Current};
use super::{choose_organization, select_account};
use crate::domain::organizations::invitations;
use crate::domain::{Failure, users};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::{ClientId, OrganizationId};
use countersign_protocol::model::{Invitation, InvitationState, RedirectPurpose, SessionCode};
use countersign_protocol::oauth::authorize::decision::{Progress, SignedIn};
use countersign_protocol::oauth::params::Params;
use countersign_protocol::user_management::authorize::{
    AuthorizeRequest, ErrorCode, Next, Refusal, first, read, then, without_unknown,
};
use countersign_protocol::user_management::code::CODE_LIFETIME;
use countersign_store::{membership, organization, session as stored, session_code, user};

/// `GET /user_management/authorize`.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let (params, _) =
        Params::first_of_each(call.uri.query().unwrap_or("").as_bytes()).map_err(|_| of_the_application())?;
    let flow = match params.get("flow") {
        Some(sealed) => Flow::carried(call, Some(sealed))?,
        None => {
            let query = without_unknown(call.uri.query().unwrap_or(""));
            if query.len() > MAX_LENGTH {
                return Err(of_the_application());
            }
            Flow::begin(call, Target::OwnApplication(query))
        }
    };
    Ok(keep_requested_language(call, found(advance(call, flow, None).await?)))
}

/// Goes one step on: to a page, or back to the application. The person may be looking for one of their organizations by
/// name.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn advance(call: &PageCall, mut flow: Flow, search: Option<&str>) -> Result<Reply, PageError> {
    let Target::OwnApplication(query) = flow.target.clone() else { return Err(PageError::flow()) };
    let request = match ask(call, &query).await? {
        Ok(request) => request,
        Err(Refusal::ToThePerson) => return Err(of_the_application()),
        Err(Refusal::ToTheClient(address, code, why)) => return redirect(&address.with_error(code, &why)),
    };
    let refuse = |code, why: &str| redirect(&request.return_address.with_error(code, why));
    flow.redirect_scheme = redirect_scheme(request.return_address.redirect.as_str());
    let invitation = match &request.invitation_token {
        None => None,
        Some(token) => match find_invitation(call, token).await? {
            Some(found) => Some(found),
            None => return refuse(ErrorCode::InvitationInvalid, "The invitation is unknown, expired or used."),
        },
    };
    let current = session::current_with_address(call).await?;
    let progress = Progress {
        began_at: Some(flow.began_at()),
        account_chosen: flow.account_chosen,
        organization_chosen: flow.organization_id,
        agreed: false,
    };
    let signed_in = current.as_ref().map(|current| SignedIn {
        user_id: current.user.id,
        authenticated_at: current.session.authenticated_at,
        organization_id: current.session.organization_id,
        has_many: false,
    });
    let signed_in = match (first(&request, signed_in, progress, call.app.clock.now()), &current) {
        (Ok(signed_in), Some(_)) => signed_in,
        (Err(Next::ChooseAccount), Some(current)) => return select_account::show(call, &flow, None, current),
        (Err(Next::Refuse(code, why)), _) => return refuse(code, why),
        _ => return to_sign_in(call, flow, &request, invitation.as_ref()).await,
    };
    let Some(current) = current else { return Err(PageError::flow()) };
    let invited = match &invitation {
        None => None,
        Some(invitation) => match follow(call, invitation, &current, &flow).await? {
            InvitationOutcome::NotAsked if request.prompt.none => {
                return refuse(ErrorCode::InteractionRequired, "The person has to accept the invitation.");
            }
            InvitationOutcome::NotAsked => return super::invitation::show(call, &flow, invitation).await,
            InvitationOutcome::Into(organization_id) => organization_id,
            InvitationOutcome::TooLate => {
                return refuse(ErrorCode::InvitationInvalid, "The invitation is unknown, expired or used.");
            }
            // Perhaps they have another account.
            InvitationOutcome::ForSomebodyElse if !flow.account_chosen && !request.prompt.none => {
                flow.email = Some(invitation.email.clone());
                return select_account::show(call, &flow, None, &current);
            }
            InvitationOutcome::ForSomebodyElse => {
                return refuse(ErrorCode::InvitationForSomebodyElse, "The invitation is for another email address.");
            }
        },
    };
    let mut reader = call.app.store.reader().await?;
    let named = [request.organization_id, flow.organization_id, signed_in.organization_id, invited];
    let belongs = Organizations::load(call, &mut reader, current.user.id, &named).await?;
    let ids: Vec<OrganizationId> = belongs.memberships.iter().map(|membership| membership.organization_id).collect();
    drop(reader);
    match then(&request, signed_in, progress, &ids, invited) {
        Next::Issue { organization_id } => match issue(call, &request, &current, organization_id).await? {
            Some(reply) => Ok(reply),
            None => redirect(&flow.resume(call)),
        },
        Next::ChooseOrganization => {
            let choice = Choice::of(None, current.user.id, &belongs);
            choose_organization::show(call, &flow, choice, search).await
        }
        Next::Refuse(code, why) => refuse(code, why),
        Next::SignIn | Next::ChooseAccount => Err(PageError::flow()),
    }
}

/// Reads a request.
async fn ask(call: &PageCall, query: &str) -> Result<Result<AuthorizeRequest, Refusal>, PageError> {
    let Ok((params, repeated)) = Params::first_of_each(query.as_bytes()) else { return Ok(Err(Refusal::ToThePerson)) };
    // Which client, where to, and what it has to know itself again by: with two of one, nobody knows whom to tell.
    if repeated.iter().any(|name| matches!(&**name, "client_id" | "redirect_uri" | "state")) {
        return Ok(Err(Refusal::ToThePerson));
    }
    let client_id = params.get("client_id").and_then(|text| ClientId::parse(text).ok());
    if client_id != Some(call.environment.environment.client_id) {
        return Ok(Err(Refusal::ToThePerson));
    }
    let uris = call.environment.redirect_uris(RedirectPurpose::SignIn).map(|known| known.uri.as_str());
    let request = match read(&params, uris) {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(name) = repeated.first() {
        let why = format!("The request repeats the parameter '{name}'.");
        return Ok(Err(Refusal::ToTheClient(request.return_address, ErrorCode::InvalidRequest, why)));
    }
    if let Some(id) = request.organization_id {
        let mut reader = call.app.store.reader().await?;
        if organization::find(&mut reader, call.environment.id(), id).await?.is_none() {
            let why = "There is no such organization.".to_owned();
            return Ok(Err(Refusal::ToTheClient(request.return_address, ErrorCode::OrganizationInvalid, why)));
        }
    }
    Ok(Ok(request))
}

async fn to_sign_in(
    call: &PageCall,
    mut flow: Flow,
    request: &AuthorizeRequest,
    invitation: Option<&Invitation>,
) -> Result<Reply, PageError> {
    let mut sign_up = request.sign_up && call.environment.environment.authentication.sign_up;
    flow.email = match &request.login_hint {
        Some(hint) => Some(hint.clone()),
        None => session::address_to_prove(call).await?,
    };
    if let Some(invitation) = invitation {
        let mut reader = call.app.store.reader().await?;
        // The holder of the link can read the invited person's mail, so showing whether an account exists reveals nothing to them.
        sign_up = user::find_by_email(&mut reader, call.environment.id(), &invitation.email).await?.is_none();
        flow.email = Some(invitation.email.clone());
    }
    redirect(&flow.link(call, if sign_up { "/sign-up" } else { "/sign-in" }))
}

/// The invitation that a token stands for, if it can be followed, or was.
async fn find_invitation(call: &PageCall, token: &str) -> Result<Option<Invitation>, PageError> {
    let act = session::act(call);
    let mut reader = call.app.store.reader().await?;
    match invitations::find_by_token(&mut reader, &act, token).await {
        Ok(found) if found.is_open(act.now) || matches!(found.state, InvitationState::Accepted { .. }) => {
            Ok(Some(found))
        }
        Ok(_) | Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// What became of an invitation.
enum InvitationOutcome {
    /// It was accepted, now or before.
    Into(Option<OrganizationId>),
    /// It is not open any more.
    TooLate,
    /// The signed-in user is not the invited one.
    ForSomebodyElse,
    /// The signed-in user has not agreed yet: following a link is not consent, since anybody can put one in front of them.
    NotAsked,
}

async fn follow(
    call: &PageCall,
    invitation: &Invitation,
    current: &Current,
    flow: &Flow,
) -> Result<InvitationOutcome, PageError> {
    if let InvitationState::Accepted { by, .. } = invitation.state {
        // The browser has come by here before.
        let same = by == current.user.id;
        return Ok(if same { InvitationOutcome::Into(invitation.organization_id) } else { InvitationOutcome::TooLate });
    }
    let act = session::act(call);
    let mut reader = call.app.store.reader().await?;
    if !invitations::is_meant_for(&mut reader, act.environment_id, invitation, &current.user).await? {
        return Ok(InvitationOutcome::ForSomebodyElse);
    }
    drop(reader);
    // Signing in to follow the invitation counts as accepting it.
    if !flow.follows_invitation && current.session.authenticated_at < flow.began_at() {
        return Ok(InvitationOutcome::NotAsked);
    }
    let (id, user_id) = (invitation.id.to_string(), current.user.id.to_string());
    let accepted = call.app.store.write::<Option<Invitation>, Failure, _>(move |tx| {
        Box::pin(async move {
            // Asked again of what nobody changes now. The account before the invitation, as where people sign in with one.
            let user = users::find_and_lock(tx, &act, &user_id).await?;
            let found = invitations::find_and_lock(tx, &act, &id).await?;
            if !invitations::is_meant_for(tx, act.environment_id, &found, &user).await? {
                return Ok(None);
            }
            invitations::accept_as(tx, &act, found, &user).await.map(Some)
        })
    });
    match accepted.await {
        Ok(Some(accepted)) => {
            call.app.catch_up().await;
            Ok(InvitationOutcome::Into(accepted.organization_id))
        }
        Ok(None) => Ok(InvitationOutcome::ForSomebodyElse),
        Err(Failure::Refused(_)) => Ok(InvitationOutcome::TooLate),
        Err(failure) => Err(failure.into()),
    }
}

/// Issues a code; `None` when the user's membership has just ended, so that everything has to be decided anew.
async fn issue(
    call: &PageCall,
    request: &AuthorizeRequest,
    current: &Current,
    organization_id: Option<OrganizationId>,
) -> Result<Option<Reply>, PageError> {
    let value = URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<24>()?);
    let act = session::act(call);
    let code = SessionCode {
        digest: call.app.keyring.session_code.digest(&value),
        session_id: current.session.id,
        organization_id,
        redirect_uri: request.return_address.redirect.as_str().to_owned(),
        code_challenge: request.code_challenge.clone(),
        family_id: None,
        expires_at: act.now.plus_secs(CODE_LIFETIME),
    };
    let (user_id, last_chosen) = (current.user.id, current.session.organization_id);
    let issued = call
        .app
        .store
        .write::<bool, Failure, _>(move |tx| {
            Box::pin(async move {
                if let Some(id) = organization_id
                    && !membership::hold(tx, act.environment_id, user_id, id).await?
                {
                    return Ok(false);
                }
                session_code::insert(tx, act.environment_id, &code).await?;
                if let Some(id) = organization_id.filter(|id| Some(*id) != last_chosen) {
                    stored::choose_organization(tx, act.environment_id, code.session_id, id, act.now).await?;
                }
                Ok(true)
            })
        })
        .await?;
    if issued { redirect(&request.return_address.with_code(&value)).map(Some) } else { Ok(None) }
}
