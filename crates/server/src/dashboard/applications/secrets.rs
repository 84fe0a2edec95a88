//! `/dashboard/env/{environment}/applications/{id}/secrets`.

use super::detail::{find, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::refused;
use crate::domain::Failure;
use crate::domain::connect::client_secrets;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::id::ClientSecretId;
use countersign_store::client_secret;
use http::StatusCode;

/// Creates a credential. Its value is shown only in this response.
///
/// # Errors
/// 404.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, id) = (call.act(), found.id.to_string());
    let made = call.commit(move |tx| Box::pin(async move { client_secrets::create(tx, &act, &id).await })).await;
    match made {
        Ok((_, value)) => show(call, &found, Some(&value), None, StatusCode::CREATED).await,
        Err(failure) => {
            let problem = Some(refused(failure)?);
            show(call, &found, None, problem, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Deletes a credential of this application: it stops working, and its tokens become inactive, at once.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let form = call.page.form()?;
    let id = form.get("secret_id").unwrap_or("").to_owned();
    let (act, application) = (call.act(), found.id);
    call.commit(move |tx| {
        Box::pin(async move {
            // Another application's credential is answered as not found.
            let of_this = client_secret::list(tx, act.environment_id, application).await?;
            let parsed = ClientSecretId::parse(&id).ok();
            if !of_this.iter().any(|secret| Some(secret.id) == parsed) {
                return Err(Failure::not_found("Client secret", id));
            }
            client_secrets::delete(tx, &act, &id).await
        })
    })
    .await?;
    call.to(&format!("/applications/{}?done=revoked", found.id))
}
