//! `/user_management/invitations`.

use super::users::{MAX_EMAIL_LENGTH, MAX_LOCALE_LENGTH};
use crate::domain::organizations::invitations;
use crate::domain::{Act, Failure};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{InvitationId, OrganizationId};
use countersign_protocol::management::fields::{MAX_NAME_LENGTH, MAX_SLUG_LENGTH};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::model::{Invitation, is_email};
use countersign_store::invitation::{self, Filter};
use countersign_store::{Tx, TxFuture};
use std::sync::Arc;

/// The maximum lifetime in days.
const MAX_DAYS: i64 = 30;

/// `GET /user_management/invitations`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| InvitationId::parse(text).ok())?;
    let (email, organization) = (call.query.get("email")?, call.query.get("organization_id")?);
    let rows = match organization.map(OrganizationId::parse) {
        // An organization that cannot exist has no invitations.
        Some(Err(_)) => Vec::new(),
        organization => {
            let filter = Filter { email, organization_id: organization.and_then(Result::ok) };
            invitation::list(&mut call.reader().await?, call.environment.id(), &request.slice(), filter).await?
        }
    };
    let act = call.act();
    let mut shown = Vec::with_capacity(rows.len());
    for row in &rows {
        shown.push((row.id, invitations::view(&act, row)?));
    }
    Ok(Reply::ok(&request.page(shown, |(id, _)| *id).map(|(_, view)| view).envelope()))
}

/// `POST /user_management/invitations`.
///
/// # Errors
/// 400, 404 for the organization or inviter, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let email = fields.required_text("email", MAX_EMAIL_LENGTH);
    if !email.is_empty() && !is_email(&email) {
        fields.refuse("email", "invalid", "email must be an address that mail can be sent to.");
    }
    let new = invitations::NewInvitation {
        email,
        organization_id: fields.optional_text("organization_id", MAX_NAME_LENGTH).value(),
        role_slug: fields.optional_text("role_slug", MAX_SLUG_LENGTH).value(),
        days: fields.integer("expires_in_days").value().unwrap_or(invitations::DAYS),
        inviter_user_id: fields.optional_text("inviter_user_id", MAX_NAME_LENGTH).value(),
        locale: fields.optional_text("locale", MAX_LOCALE_LENGTH).value(),
    };
    fields.finish()?;
    if new.days < 1 {
        return Err(Failure::bad_request("expires_in_days_too_short", "expires_in_days must be at least 1."));
    }
    if new.days > MAX_DAYS {
        let message = format!("expires_in_days must be at most {MAX_DAYS}.");
        return Err(Failure::bad_request("expires_in_days_too_long", message));
    }
    call.commit(|tx, act| {
        Box::pin(async move {
            let made = invitations::create(tx, &act, new).await?;
            Ok(Reply::created(&invitations::view(&act, &made)?).showing_secret())
        })
    })
    .await
}

/// `GET /user_management/invitations/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = invitations::find(&mut call.reader().await?, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&invitations::view(&act, &found)?))
}

/// `GET /user_management/invitations/by_token/{token}`.
///
/// # Errors
/// 404.
pub async fn get_by_token(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = invitations::find_by_token(&mut call.reader().await?, &act, call.path.get("token")).await?;
    Ok(Reply::ok(&invitations::view(&act, &found)?))
}

/// `POST /user_management/invitations/{id}/accept`.
///
/// # Errors
/// 400 `invite_not_pending` and `invalid_invite`, 404.
pub async fn accept(call: ManagementCall) -> Result<Reply, Failure> {
    call.fields()?.finish()?;
    change(&call, |tx, act, id| Box::pin(async move { invitations::accept(tx, &act, &id).await })).await
}

/// `POST /user_management/invitations/{id}/resend`.
///
/// # Errors
/// 400 `invite_expired`, `invite_revoked` and `invite_accepted`, 404, 422.
pub async fn resend(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let locale = fields.optional_text("locale", MAX_LOCALE_LENGTH).value();
    fields.finish()?;
    change(&call, |tx, act, id| Box::pin(async move { invitations::resend(tx, &act, &id, locale).await })).await
}

/// `POST /user_management/invitations/{id}/revoke`.
///
/// # Errors
/// 400 `invite_not_pending`, 404.
pub async fn revoke(call: ManagementCall) -> Result<Reply, Failure> {
    call.fields()?.finish()?;
    change(&call, |tx, act, id| Box::pin(async move { invitations::revoke(tx, &act, &id).await })).await
}

/// Changes the invitation in the path, and returns it.
async fn change<F>(call: &ManagementCall, function: F) -> Result<Reply, Failure>
where
    F: for<'t> FnOnce(&'t mut Tx, Arc<Act>, String) -> TxFuture<'t, Invitation, Failure> + Send + 'static,
{
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let changed = function(tx, Arc::clone(&act), id).await?;
            Ok(Reply::ok(&invitations::view(&act, &changed)?).showing_secret())
        })
    })
    .await
}
