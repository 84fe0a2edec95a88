//! `/dashboard/env/{environment}/organizations/{id}/invitations`.

use super::find;
use super::people::{Typed, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::refused_here;
use crate::domain::organizations::invitations::{self, DAYS, NewInvitation};
use crate::domain::{Act, Failure};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::model::is_email;
use countersign_store::{Tx, TxFuture};

/// Invites somebody by email.
///
/// # Errors
/// 404.
pub async fn send(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (email, role_slug) = (field::text(&form, "email").to_owned(), field::optional(&form, "role"));
    let typed = Typed { email: email.clone(), role: role_slug.clone().unwrap_or_default(), ..Typed::default() };
    let new = NewInvitation {
        email,
        organization_id: Some(found.id.to_string()),
        role_slug,
        days: DAYS,
        inviter_user_id: None,
        locale: None,
    };
    let act = call.act();
    let sent = if is_email(&new.email) {
        call.commit(move |tx| Box::pin(async move { invitations::create(tx, &act, new).await.map(drop) })).await
    } else {
        Err(Failure::invalid("email", "invalid", "The email address is not valid."))
    };
    match sent {
        Ok(()) => {
            let done = if call.mail_reaches_people() { "invited" } else { "invited-unsent" };
            call.to(&format!("/organizations/{}/people?done={done}", found.id))
        }
        Err(failure) => {
            let problem = refused_here(failure)?;
            show(call, &found, typed, Some(problem)).await
        }
    }
}

/// Changes an invitation of this organization; another organization's invitation is answered as not found.
async fn change<F>(call: &DashboardCall, done: &str, function: F) -> Result<Reply, PageError>
where
    F: for<'t> FnOnce(&'t mut Tx, Act, String) -> TxFuture<'t, (), Failure> + Send + 'static,
{
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, organization_id) = (call.act(), field::text(&form, "invitation_id").to_owned(), found.id);
    let changed = call
        .commit(move |tx| {
            Box::pin(async move {
                let known = invitations::find(tx, &act, &id).await?;
                if known.organization_id != Some(organization_id) {
                    return Err(Failure::not_found("Invitation", id));
                }
                function(tx, act, id).await
            })
        })
        .await;
    match changed {
        Ok(()) => call.to(&format!("/organizations/{}/people?done={done}", found.id)),
        Err(failure) => {
            let problem = crate::dashboard::page::refused(failure)?;
            show(call, &found, Typed::default(), Some(problem)).await
        }
    }
}

/// Sends the email again.
///
/// # Errors
/// 404.
pub async fn resend(call: &DashboardCall) -> Result<Reply, PageError> {
    let done = if call.mail_reaches_people() { "sent" } else { "unsent" };
    change(call, done, |tx, act, id| Box::pin(async move { invitations::resend(tx, &act, &id, None).await.map(drop) }))
        .await
}

/// Revokes the invitation.
///
/// # Errors
/// 404.
pub async fn revoke(call: &DashboardCall) -> Result<Reply, PageError> {
    change(call, "revoked", |tx, act, id| Box::pin(async move { invitations::revoke(tx, &act, &id).await.map(drop) }))
        .await
}
