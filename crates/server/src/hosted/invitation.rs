//! Accepting an invitation: the link is shown to whoever has it, and accepted by whoever has proven to be meant.

use super::flow::{Flow, Target};
use super::page::{Carried, PageError, branding, frame, redirect, reply};
use super::product_pages;
use super::session;
use crate::domain::organizations::invitations;
use crate::domain::{Failure, users};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Invitation as Page, Trouble};
use countersign_protocol::model::{Invitation, InvitationState};
use countersign_store::{organization, user};
use http::StatusCode;

fn too_old() -> PageError {
    PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link)
}

/// The invitation that a token stands for, if it is still open.
pub(super) async fn find(call: &PageCall, token: &str) -> Result<Invitation, PageError> {
    let act = session::act(call);
    let mut reader = call.app.store.reader().await?;
    let found = match invitations::find_by_token(&mut reader, &act, token).await {
        Ok(found) => found,
        Err(Failure::Refused(_)) => return Err(too_old()),
        Err(failure) => return Err(failure.into()),
    };
    if found.state == InvitationState::Pending && act.now < found.expires_at { Ok(found) } else { Err(too_old()) }
}

/// Shows who invites whom, and asks.
///
/// # Errors
/// Database errors.
pub(super) async fn show(call: &PageCall, flow: &Flow, invitation: &Invitation) -> Result<Reply, PageError> {
    let mut reader = call.app.store.reader().await?;
    let organization = match invitation.organization_id {
        Some(id) => organization::find(&mut reader, call.environment.id(), id).await?.map(|found| found.name),
        None => None,
    };
    let inviter = match invitation.inviter_user_id {
        Some(id) => user::find(&mut reader, call.environment.id(), id).await?.and_then(|found| found.full_name()),
        None => None,
    };
    drop(reader);
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let page = Page {
        frame: frame(call, &branding),
        form: carried.form("/invite", None),
        organization: organization.as_deref().unwrap_or(&branding.name),
        inviter: inviter.as_deref(),
        email: &invitation.email,
    };
    Ok(reply(call, StatusCode::OK, &page, flow.redirect_scheme.as_deref()))
}

/// `GET /invite?invitation_token=…`. Opening the link accepts nothing: mail programs open links, too.
///
/// # Errors
/// A page for a link that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let token = query.get("invitation_token").ok_or_else(too_old)?;
    let invitation = find(call, token).await?;
    if let Some(away) = product_pages::follow(call, &invitation, token)? {
        return Ok(away);
    }
    show(call, &Flow::begin(call, Target::Invitation(token.to_owned())), &invitation).await
}

/// `POST /invite`: whoever is signed in accepts; whoever is not signs in or up first. Who was asked on the way to the
/// environment's own application goes on there.
///
/// # Errors
/// A page for a link that is not good, or for somebody else.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if matches!(flow.target, Target::OwnApplication(_)) {
        flow.follows_invitation = true;
        return super::own_application::advance(call, flow, None).await;
    }
    accept(call, flow).await
}

/// `GET /invite/accept?flow=…`: where a sign-in on the way leads back to.
///
/// # Errors
/// A page for a link that is not good, or for somebody else.
pub async fn resume(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let flow = Flow::carried(call, query.get("flow"))?;
    accept(call, flow).await
}

async fn accept(call: &PageCall, mut flow: Flow) -> Result<Reply, PageError> {
    let Target::Invitation(token) = flow.target.clone() else { return Err(PageError::flow()) };
    let invitation = find(call, &token).await?;
    let Some(current) = session::current_with_address(call).await? else {
        let mut reader = call.app.store.reader().await?;
        let known = user::find_by_email(&mut reader, call.environment.id(), &invitation.email).await?;
        drop(reader);
        // The holder of the link can read the invited person's mail, so showing whether an account exists reveals nothing to them.
        let path = if known.is_some() { "/sign-in" } else { "/sign-up" };
        flow.email = Some(invitation.email);
        return redirect(&flow.link(call, path));
    };
    let mut reader = call.app.store.reader().await?;
    let meant = invitations::is_meant_for(&mut reader, call.environment.id(), &invitation, &current.user).await?;
    drop(reader);
    if !meant {
        let another = flow.link(call, "/use-another-account");
        return Err(PageError::WithWayOn(StatusCode::FORBIDDEN, Trouble::Access, another));
    }
    let (act, user_id) = (session::act(call), current.user.id.to_string());
    let accepted = call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move {
            // Asked again of what nobody changes now. The account before the invitation, as where people sign in with one.
            let user = users::find_and_lock(tx, &act, &user_id).await?;
            let found = invitations::find_and_lock(tx, &act, &invitation.id.to_string()).await?;
            if !invitations::is_meant_for(tx, act.environment_id, &found, &user).await? {
                return Err(Failure::not_found("Invitation", found.id));
            }
            invitations::accept_as(tx, &act, found, &user).await.map(drop)
        })
    });
    match accepted.await {
        Ok(()) => {}
        Err(Failure::Refused(_)) => return Err(too_old()),
        Err(failure) => return Err(failure.into()),
    }
    call.app.catch_up().await;
    match product_pages::home(call) {
        Some(home) => redirect(home),
        None => redirect(&Flow::home(call).resume(call)),
    }
}
