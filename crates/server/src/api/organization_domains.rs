//! `/organization_domains`.

use super::organizations::not_a_domain;
use crate::domain::Failure;
use crate::domain::organizations::{self, domain_verification};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::domain_name;
use countersign_protocol::management::views::organization_domain_view;

/// `POST /organization_domains`.
///
/// # Errors
/// 404 for the organization, 409 `domain_already_exists`, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let domain = fields.required_text("domain", 255);
    let organization_id = fields.required_text("organization_id", 255);
    fields.finish()?;
    let domain = domain_name::normalize(&domain).ok_or_else(not_a_domain)?;
    call.commit(|tx, act| {
        Box::pin(async move {
            let made = organizations::add_domain(tx, &act, &organization_id, domain).await?;
            Ok(Reply::created(&organization_domain_view(&made)))
        })
    })
    .await
}

/// `GET /organization_domains/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = organizations::find_domain(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&organization_domain_view(&found)))
}

/// `POST /organization_domains/{id}/verify`: restarts the checks for the TXT record.
///
/// # Errors
/// 404, 400 `domain_already_verified`.
pub async fn verify(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let domain = domain_verification::restart(tx, &act, &id).await?;
            Ok(Reply::created(&organization_domain_view(&domain)))
        })
    })
    .await
}

/// `DELETE /organization_domains/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            organizations::delete_domain(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
