//! `/organizations`.

use crate::domain::{Failure, organizations};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::domain_name;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::{MAX_NAME_LENGTH, Patch};
use countersign_protocol::management::page::{PageRequest, Scan};
use countersign_protocol::management::views::organization_view;
use countersign_protocol::model::Organization;
use countersign_store::organization;
use http::StatusCode;

/// The maximum number of domains in a list's filter.
const MAX_DOMAINS: usize = 100;

/// `GET /organizations`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| OrganizationId::parse(text).ok())?;
    let search = call.query.get("search")?.map(str::to_owned);
    if search.as_ref().is_some_and(|text| text.chars().count() > MAX_NAME_LENGTH) {
        return Err(Failure::invalid(
            "search",
            "too_long",
            format!("search must have at most {MAX_NAME_LENGTH} characters."),
        ));
    }
    let mut reader = call.reader().await?;
    let (slice, environment_id) = (request.slice(), call.environment.id());
    let rows = match call.query.list("domains").filter(|domains| !domains.is_empty()) {
        None => organization::list(&mut reader, environment_id, &slice, search.as_deref()).await?,
        Some(domains) if domains.len() > MAX_DOMAINS => {
            return Err(Failure::invalid("domains", "too_many", format!("At most {MAX_DOMAINS} domains at once.")));
        }
        Some(domains) => {
            // Few rows by nature: found by domain, then cut to the page.
            let domains: Vec<String> = domains.into_iter().filter_map(domain_name::normalize).collect();
            let wanted = search.map(|text| text.to_lowercase());
            let mut rows = organization::claiming(&mut reader, environment_id, &domains).await?;
            rows.retain(|row| wanted.as_ref().is_none_or(|text| row.name.to_lowercase().contains(text)));
            cut(rows, slice.scan, slice.from, slice.limit)
        }
    };
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| organization_view(&row)).envelope()))
}

/// The part of an ascending list that a slice selects.
fn cut(mut rows: Vec<Organization>, scan: Scan, from: Option<OrganizationId>, limit: usize) -> Vec<Organization> {
    if scan == Scan::Descending {
        rows.reverse();
    }
    rows.retain(|row| {
        from.is_none_or(|from| match scan {
            Scan::Descending => row.id < from,
            Scan::Ascending => row.id > from,
        })
    });
    rows.truncate(limit);
    rows
}

/// `POST /organizations`.
///
/// # Errors
/// 400 `invalid_metadata` and `external_id_already_used`, 409 for a domain in use, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let name = fields.required_text("name", MAX_NAME_LENGTH);
    let external_id = fields.external_id().value();
    let metadata = fields.whole_metadata();
    let outside = fields.boolean("allow_profiles_outside_organization").value().unwrap_or(false);
    let domains = fields.domain_data().value().unwrap_or_default();
    fields.finish()?;
    let new = organizations::NewOrganization {
        name,
        external_id,
        metadata,
        allow_profiles_outside_organization: outside,
        domains,
    };
    call.commit(|tx, act| {
        Box::pin(async move { Ok(Reply::created(&organization_view(&organizations::create(tx, &act, new).await?))) })
    })
    .await
}

/// `GET /organizations/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = organizations::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&organization_view(&found)))
}

/// `GET /organizations/external_id/{external_id}`.
///
/// # Errors
/// 404.
pub async fn get_by_external_id(call: ManagementCall) -> Result<Reply, Failure> {
    let external_id = call.path.get("external_id");
    let found =
        organization::find_by_external_id(&mut call.reader().await?, call.environment.id(), external_id).await?;
    let found = found.ok_or_else(|| Failure::not_found("Organization", external_id))?;
    Ok(Reply::ok(&organization_view(&found)))
}

/// `PUT /organizations/{id}`: absent fields are unchanged; `domain_data` replaces all domains.
///
/// # Errors
/// 400, 404, 409, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let name = fields.optional_text("name", MAX_NAME_LENGTH);
    let external_id = fields.external_id();
    let metadata = fields.metadata();
    let stripe = fields.optional_text("stripe_customer_id", MAX_NAME_LENGTH);
    let outside = fields.boolean("allow_profiles_outside_organization");
    let domains = fields.domain_data();
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let mut changed = organizations::find_and_lock(tx, &act, &id).await?;
            if let Patch::Value(name) = name {
                changed.name = name;
            }
            external_id.apply(&mut changed.external_id);
            stripe.apply(&mut changed.stripe_customer_id);
            if let Patch::Value(outside) = outside {
                changed.allow_profiles_outside_organization = outside;
            }
            match metadata {
                Patch::Absent => {}
                Patch::Null => changed.metadata.clear(),
                Patch::Value(patch) => organizations::merge_metadata(&mut changed.metadata, patch)?,
            }
            let changed = organizations::update(tx, &act, changed, domains.value()).await?;
            Ok(Reply::ok(&organization_view(&changed)))
        })
    })
    .await
}

/// `DELETE /organizations/{id}`: with its applications, credentials, API keys and domains.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            organizations::delete(tx, &act, &id).await?;
            Ok(Reply::empty(StatusCode::OK))
        })
    })
    .await
}

/// The error of a body whose domain is not a valid domain name.
pub(super) fn not_a_domain() -> ApiError {
    ApiError::invalid("domain", "invalid", "Not a domain that an organization can own, such as example.com.")
}
