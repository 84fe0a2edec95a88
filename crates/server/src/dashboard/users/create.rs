//! `/dashboard/env/{environment}/users/new`.

use super::MAX_EMAIL_LENGTH;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{refused, reply};
use crate::domain::Failure;
use crate::domain::users::{self, NewUser as New};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::passwords::strength;
use countersign_pages::dashboard::{NewUser, Section};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::secret::Secret;
use http::StatusCode;
use serde_json::json;

fn show(call: &DashboardCall, form: &Params<'_>, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = NewUser {
        shell: &call.shell_with(Section::Users, problem),
        email: field::text(form, "email"),
        verified: field::ticked(form, "email_verified"),
        first_name: field::text(form, "first_name"),
        last_name: field::text(form, "last_name"),
        passwords: call.environment.environment.authentication.password,
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

/// Validates the form by the rules of the API and hashes the password.
async fn read(call: &DashboardCall, form: &Params<'_>) -> Result<New, Failure> {
    let mut fields = field::as_body(&json!({
        "email": field::or_null(form, "email"),
        "first_name": field::or_null(form, "first_name"),
        "last_name": field::or_null(form, "last_name"),
    }))?;
    let new = New {
        email: fields.required_text("email", MAX_EMAIL_LENGTH),
        email_verified: field::ticked(form, "email_verified"),
        first_name: fields.nullable_text("first_name", MAX_NAME_LENGTH).value(),
        last_name: fields.nullable_text("last_name", MAX_NAME_LENGTH).value(),
        ..New::default()
    };
    fields.finish()?;
    // Not trimmed: white space may be part of a password.
    let Some(password) = form.get("password") else { return Ok(new) };
    let names = [Some(&new.email), new.first_name.as_ref(), new.last_name.as_ref()];
    let known: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    strength(password, &known).map_err(|weak| Failure::invalid("password", weak.code(), weak.message()))?;
    let hash = call.page.app.passwords.hash(Secret::new(password.to_owned())).await?;
    Ok(New { password_hash: Some(hash), ..new })
}

/// Creates the account and redirects to its page.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let act = call.act();
    let made = match read(call, &form).await {
        Ok(new) => call.commit(move |tx| Box::pin(async move { users::create(tx, &act, new).await })).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok(made) => call.to(&format!("/users/{}?done=created", made.id)),
        Err(failure) => {
            let mut problem = refused(failure)?;
            // The password is not sent back to the page, so resubmitting would create the account without one.
            if form.get("password").is_some_and(|typed| !typed.is_empty()) {
                problem.push_str(" Type the password again.");
            }
            Ok(show(call, &form, Some(problem)))
        }
    }
}
