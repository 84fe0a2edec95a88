//! `/dashboard/env/{environment}/users/{id}/…`: actions on what belongs to a user.

use super::detail::show;
use super::find;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::refused;
use crate::domain::connect::{applications, grants};
use crate::domain::sessions::everywhere;
use crate::domain::users::{password_resets, second_factors};
use crate::domain::{Failure, sessions};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::id::SessionId;
use countersign_store::session;

/// Ends a session of this user. Another user's session is answered as not found.
///
/// # Errors
/// 404.
pub async fn revoke_session(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, user_id) = (call.act(), field::text(&form, "session_id").to_owned(), found.id);
    call.commit(move |tx| {
        Box::pin(async move {
            let missing = || Failure::not_found("Session", &id);
            let parsed = SessionId::parse(&id).map_err(|_| missing())?;
            let known = session::find(tx, act.environment_id, parsed).await?;
            if known.is_none_or(|known| known.user_id != user_id) {
                return Err(missing());
            }
            // Ending a session that has already ended succeeds.
            sessions::end(tx, &act, parsed).await.map(drop)
        })
    })
    .await?;
    call.to(&format!("/users/{}?done=signed-out", found.id))
}

/// Ends all of the user's sessions.
///
/// # Errors
/// 404.
pub async fn sign_out(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, user_id) = (call.act(), found.id);
    call.commit(move |tx| Box::pin(async move { everywhere::sign_out_everywhere(tx, &act, user_id).await })).await?;
    call.to(&format!("/users/{}?done=signed-out", found.id))
}

/// Revokes everything that the user has granted an application.
///
/// # Errors
/// 404.
pub async fn revoke_application(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, user_id) = (call.act(), field::text(&form, "application_id").to_owned(), found.id);
    call.commit(move |tx| {
        Box::pin(async move {
            let application = applications::find(tx, &act, &id).await?;
            if !grants::take_back_all(tx, &act, user_id, application.id).await? {
                return Err(Failure::not_found("Authorized application", id));
            }
            Ok(())
        })
    })
    .await?;
    call.to(&format!("/users/{}?done=revoked", found.id))
}

/// Removes the second factor of a user who lost their device. Succeeds if there is none.
///
/// # Errors
/// 404.
pub async fn remove_second_factor(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, person) = (call.act(), found.clone());
    call.commit(move |tx| Box::pin(async move { second_factors::remove_all(tx, &act, &person).await.map(drop) }))
        .await?;
    call.to(&format!("/users/{}?done=factor-removed", found.id))
}

/// Emails the user a password reset link.
///
/// # Errors
/// 404.
pub async fn send_password_reset(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, email) = (call.act(), found.email.clone());
    let sent =
        call.commit(move |tx| Box::pin(async move { password_resets::send(tx, &act, &email).await.map(drop) })).await;
    match sent {
        Ok(()) => {
            let done = if call.mail_reaches_people() { "sent" } else { "unsent" };
            call.to(&format!("/users/{}?done={done}", found.id))
        }
        Err(failure) => {
            let problem = refused(failure)?;
            show(call, &found, None, Some(problem)).await
        }
    }
}
