//! `/connect/applications/{id}/client_secrets` and `/connect/client_secrets/{id}`.

use crate::domain::Failure;
use crate::domain::connect::{applications, client_secrets};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::views::client_secret_view;
use countersign_store::client_secret;

/// `GET /connect/applications/{id}/client_secrets`: a bare array, newest first.
///
/// # Errors
/// 404.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let found = applications::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let secrets = client_secret::list(&mut reader, call.environment.id(), found.id).await?;
    Ok(Reply::ok(&secrets.iter().rev().map(client_secret_view).collect::<Vec<_>>()))
}

/// `POST /connect/applications/{id}/client_secrets`: the only response that contains the value.
///
/// # Errors
/// 404; 422 for a public application or a sixth secret.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    // The body is an empty object; it is read so that anything else is rejected.
    call.fields()?.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let (secret, value) = client_secrets::create(tx, &act, &id).await?;
            let mut view = client_secret_view(&secret);
            view["secret"] = value.expose().into();
            Ok(Reply::created(&view).showing_secret())
        })
    })
    .await
}

/// `DELETE /connect/client_secrets/{id}`: it stops working at once, and its tokens are inactive.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            client_secrets::delete(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
