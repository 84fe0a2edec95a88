//! The form that creates an application or an API key: a name, and permissions out of those offered.

use super::call::PortalCall;
use super::offered;
use super::page::{Part, Told};
use crate::dashboard::field;
use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::hosted::page::{PageError, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::New;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::model::PortalCredentials;
use countersign_protocol::oauth::params::Params;
use http::StatusCode;

async fn show(
    call: &PortalCall,
    list: Part,
    form: Option<&Params<'_>>,
    problem: Option<&str>,
) -> Result<Reply, PageError> {
    let access = offered(call, form).await?;
    let branding = branding(&call.page);
    let told = problem.map_or_else(Told::default, Told::problem);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = New {
        shell: &call.shell(&branding, list, told),
        key: list == Part::Keys,
        action: &format!("{}/new", list.path()),
        list: list.path(),
        name: form.map_or("", |form| field::text(form, "name")),
        access: &access,
    };
    Ok(call.reply(status, &page))
}

/// The form for adding to a list.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PortalCall, list: Part) -> Result<Reply, PageError> {
    match call.require(PortalCredentials::Create) {
        Ok(()) => show(call, list, None, None).await,
        Err(reply) => Ok(reply),
    }
}

/// Parses the form: the name, and the ticked slugs out of those offered. Otherwise returns the reply for invalid input
/// or missing access.
///
/// # Errors
/// Database errors.
pub async fn read(call: &PortalCall, list: Part) -> Result<Result<(String, Vec<String>), Reply>, PageError> {
    if let Err(reply) = call.require(PortalCredentials::Create) {
        return Ok(Err(reply));
    }
    let form = call.page.form()?;
    let (t, name) = (call.language().texts(), field::text(&form, "name"));
    let problem = if name.is_empty() {
        t.portal_name_needed()
    } else if name.chars().count() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        t.portal_name_long()
    } else {
        let ticked = offered(call, Some(&form)).await?.into_iter().filter(|one| one.chosen);
        return Ok(Ok((name.to_owned(), ticked.map(|one| one.slug).collect())));
    };
    show(call, list, Some(&form), Some(problem)).await.map(Err)
}

/// Shows the form again with the reason for a refusal, if it is one that can be shown to the visitor.
///
/// # Errors
/// Database errors.
pub async fn refused(call: &PortalCall, list: Part, failure: Failure) -> Result<Reply, PageError> {
    let t = call.language().texts();
    let problem = match failure {
        Failure::Refused(ApiError::BadRequest { code: portal::TOO_MANY, .. }) => t.portal_too_many(),
        Failure::Refused(ApiError::Validation(_)) => t.portal_not_offered(),
        failure => return Err(PageError::Failure(failure)),
    };
    show(call, list, Some(&call.page.form()?), Some(problem)).await
}
