//! `/dashboard/env/{environment}/organizations/{id}/domains`.

use super::detail::{Typed, show};
use super::find;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::refused;
use crate::domain::organizations::{self, domain_verification};
use crate::domain::{Act, Failure};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::domain_name;
use countersign_store::Tx;

/// Adds a domain, not verified yet.
///
/// # Errors
/// 404.
pub async fn add(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let typed = field::text(&form, "domain").to_owned();
    let (act, id) = (call.act(), found.id.to_string());
    let added = match domain_name::normalize(&typed) {
        Some(domain) => {
            call.commit(move |tx| {
                Box::pin(async move { organizations::add_domain(tx, &act, &id, domain).await.map(drop) })
            })
            .await
        }
        None => {
            let message = "An organization cannot own that domain. Enter one such as example.com.";
            Err(Failure::invalid("domain", "invalid", message))
        }
    };
    match added {
        Ok(()) => call.to(&format!("/organizations/{}?done=added", found.id)),
        Err(failure) => {
            let problem = refused(failure)?;
            Ok(show(call, &found, Typed { domain: typed, ..Typed::default() }, Some(problem)))
        }
    }
}

/// Checks that a domain belongs to this organization; another organization's domain is answered as not found.
async fn of_this(tx: &mut Tx, act: &Act, id: &str, organization_id: OrganizationId) -> Result<(), Failure> {
    let found = organizations::find_domain(tx, act, id).await?;
    if found.organization_id == organization_id { Ok(()) } else { Err(Failure::not_found("Organization domain", id)) }
}

/// Starts looking for the domain's TXT record.
///
/// # Errors
/// 404.
pub async fn verify(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, organization_id) = (call.act(), field::text(&form, "domain_id").to_owned(), found.id);
    let begun = call
        .commit(move |tx| {
            Box::pin(async move {
                of_this(tx, &act, &id, organization_id).await?;
                domain_verification::restart(tx, &act, &id).await.map(drop)
            })
        })
        .await;
    match begun {
        Ok(()) => call.to(&format!("/organizations/{}?done=checking", found.id)),
        Err(failure) => {
            let problem = refused(failure)?;
            Ok(show(call, &found, Typed::default(), Some(problem)))
        }
    }
}

/// Deletes a domain.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, organization_id) = (call.act(), field::text(&form, "domain_id").to_owned(), found.id);
    call.commit(move |tx| {
        Box::pin(async move {
            of_this(tx, &act, &id, organization_id).await?;
            organizations::delete_domain(tx, &act, &id).await
        })
    })
    .await?;
    call.to(&format!("/organizations/{}?done=deleted", found.id))
}
