//! `/portal/domains`: verification of the organization's domains.

use super::call::PortalCall;
use super::page::{Part, Told};
use crate::dashboard::field;
use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::hosted::page::{PageError, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::{Domain, DomainState as Shown, Domains};
use countersign_protocol::management::domain_name;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::DomainState;
use countersign_store::organization;
use http::StatusCode;

async fn show(call: &PortalCall, typed: &str, told: Told, status: StatusCode) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let known = organization::domains(&mut reader, call.environment_id(), call.organization.id).await?;
    drop(reader);
    let domains: Vec<Domain> = known
        .into_iter()
        .map(|one| Domain {
            id: one.id.to_string(),
            state: match one.state {
                DomainState::Verified => Shown::Verified,
                DomainState::Pending => Shown::Pending,
                DomainState::Failed => Shown::Failed,
            },
            record: format!("verification_token={}", one.verification_token),
            domain: one.domain,
        })
        .collect();
    let branding = branding(&call.page);
    let page = Domains { shell: &call.shell(&branding, Part::Domains, told), domains: &domains, typed };
    Ok(call.reply(status, &page))
}

/// The domains, with the DNS records that verify them.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PortalCall) -> Result<Reply, PageError> {
    show(call, "", Told::default(), StatusCode::OK).await
}

/// Adds a domain.
///
/// # Errors
/// Database errors.
pub async fn post(call: &PortalCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let typed = field::text(&form, "domain");
    let t = call.language().texts();
    let wrong = |text: &str| Told::problem(text);
    let Some(domain) = domain_name::normalize(typed) else {
        return show(call, typed, wrong(t.portal_domain_wrong()), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let (act, organization_id) = (call.act(), call.organization.id);
    let added = call
        .commit(move |tx| Box::pin(async move { portal::add_domain(tx, &act, organization_id, domain).await }))
        .await;
    match added {
        Ok(added) => {
            let told = Told::done(t.portal_domain_added(&added.domain));
            show(call, "", told, StatusCode::CREATED).await
        }
        Err(Failure::Refused(ApiError::Conflict { .. })) => {
            show(call, typed, wrong(t.portal_domain_taken()), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Refused(ApiError::BadRequest { code: portal::TOO_MANY, .. })) => {
            show(call, typed, wrong(t.portal_too_many()), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(PageError::Failure(failure)),
    }
}

/// Deletes a domain that was never verified, most likely because it was mistyped.
///
/// # Errors
/// Database errors.
pub async fn delete(call: &PortalCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let id = form.get("domain_id").unwrap_or("").to_owned();
    let (act, organization_id) = (call.act(), call.organization.id);
    let deleted = call
        .commit(move |tx| Box::pin(async move { portal::delete_domain(tx, &act, organization_id, &id).await }))
        .await;
    let t = call.language().texts();
    match deleted {
        Ok(gone) => show(call, "", Told::done(t.portal_domain_deleted(&gone.domain)), StatusCode::OK).await,
        Err(Failure::Refused(ApiError::NotFound { .. })) => {
            show(call, "", Told::problem(t.portal_gone()), StatusCode::NOT_FOUND).await
        }
        Err(failure) => Err(PageError::Failure(failure)),
    }
}

/// Starts looking for a domain's DNS record again.
///
/// # Errors
/// Database errors.
pub async fn verify(call: &PortalCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let id = form.get("domain_id").unwrap_or("").to_owned();
    let (act, organization_id) = (call.act(), call.organization.id);
    let restarted = call
        .commit(move |tx| Box::pin(async move { portal::restart_domain(tx, &act, organization_id, &id).await }))
        .await;
    let t = call.language().texts();
    match restarted {
        Ok(domain) => {
            let told = Told::done(t.portal_domain_looking(&domain.domain));
            show(call, "", told, StatusCode::OK).await
        }
        Err(Failure::Refused(ApiError::NotFound { .. })) => {
            show(call, "", Told::problem(t.portal_gone()), StatusCode::NOT_FOUND).await
        }
        // It has been verified in the meantime: the list shows that.
        Err(Failure::Refused(_)) => show(call, "", Told::default(), StatusCode::OK).await,
        Err(failure) => Err(PageError::Failure(failure)),
    }
}
