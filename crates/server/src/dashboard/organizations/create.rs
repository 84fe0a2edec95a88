//! `/dashboard/env/{environment}/organizations/new`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{refused, reply};
use crate::domain::Failure;
use crate::domain::organizations::{self, NewOrganization as New};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{NewOrganization, Section};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::oauth::params::Params;
use http::StatusCode;
use serde_json::json;

fn show(call: &DashboardCall, form: &Params<'_>, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = NewOrganization {
        shell: &call.shell_with(Section::Organizations, problem),
        name: field::text(form, "name"),
        external_id: field::text(form, "external_id"),
        domains: field::text(form, "domains"),
    };
    reply(status, &page)
}

/// The empty form.
///
/// # Errors
/// If the query cannot be parsed.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, &call.page.query()?, None))
}

/// Validates the form by the rules of the API.
fn read(form: &Params<'_>) -> Result<New, Failure> {
    let mut fields = field::as_body(&json!({
        "name": field::or_null(form, "name"),
        "external_id": field::or_null(form, "external_id"),
        "domains": field::lines(form, "domains"),
    }))?;
    let new = New {
        name: fields.required_text("name", MAX_NAME_LENGTH),
        external_id: fields.external_id().value(),
        domains: fields.domain_data().value().unwrap_or_default(),
        ..New::default()
    };
    fields.finish()?;
    Ok(new)
}

/// Creates the organization and redirects to its page.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let act = call.act();
    let made = match read(&form) {
        Ok(new) => call.commit(move |tx| Box::pin(async move { organizations::create(tx, &act, new).await })).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok(made) => call.to(&format!("/organizations/{}?done=created", made.id)),
        Err(failure) => Ok(show(call, &form, Some(refused(failure)?))),
    }
}
