//! `/dashboard/env/{environment}/applications/new`.

use super::{chosen_scopes, redirect_uris, scope_options};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{refused, reply};
use crate::domain::Failure;
use crate::domain::connect::applications::{self, NewApplication as New, NewApplicationKind};
use crate::domain::connect::client_secrets;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{NewApplication, OrganizationOption, ScopeOption, Section};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::ClientType;
use countersign_protocol::oauth::params::Params;
use countersign_store::organization;
use http::StatusCode;
use serde_json::json;

/// Maximum number of organizations offered by name.
const MAX: usize = 200;

async fn show(
    call: &DashboardCall,
    form: &Params<'_>,
    scopes: &[ScopeOption],
    problem: Option<String>,
) -> Result<Reply, PageError> {
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX };
    let mut reader = call.page.app.store.reader().await?;
    let organizations = organization::list(&mut reader, call.environment.id(), &slice, None).await?;
    drop(reader);
    let options: Vec<OrganizationOption> = organizations
        .into_iter()
        .map(|found| OrganizationOption { id: found.id.to_string(), name: found.name })
        .collect();
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let or = |name: &str, default: &'static str| match form.get(name) {
        Some(known @ ("server" | "public" | "machine" | "first" | "third")) => known.to_owned(),
        _ => default.to_owned(),
    };
    let page = NewApplication {
        shell: &call.shell_with(Section::Applications, problem),
        name: field::text(form, "name"),
        description: field::text(form, "description"),
        kind: &or("kind", "server"),
        trust: &or("trust", "third"),
        organization_id: field::text(form, "organization_id"),
        redirect_uris: field::text(form, "redirect_uris"),
        organizations: &options,
        scopes,
    };
    Ok(reply(status, &page))
}

/// The empty form.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let scopes = scope_options(call, &[]).await?;
    let query = call.page.query()?;
    show(call, &query, &scopes, None).await
}

/// Resolves the typed organization: an ID, or a name if exactly one organization has it.
async fn resolve_organization(
    call: &DashboardCall,
    form: &Params<'_>,
) -> Result<Result<Option<String>, String>, PageError> {
    let Some(typed) = field::optional(form, "organization_id") else { return Ok(Ok(None)) };
    if typed.starts_with("org_") {
        return Ok(Ok(Some(typed)));
    }
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX };
    let mut reader = call.page.app.store.reader().await?;
    let mut found = organization::list(&mut reader, call.environment.id(), &slice, Some(&typed)).await?;
    drop(reader);
    found.retain(|one| one.name.to_lowercase() == typed.to_lowercase());
    Ok(match found.as_slice() {
        [one] => Ok(Some(one.id.to_string())),
        [] => Err(format!("No organization is called “{typed}”. Choose one from the list, or add it first.")),
        _ => Err(format!("More than one organization is called “{typed}”. Choose one from the list.")),
    })
}

/// Validates the form by the rules of the API.
fn read(form: &Params<'_>, organization_id: Option<String>, scopes: Vec<String>) -> Result<New, Failure> {
    let wrong = |text: &str| Failure::bad_request("bad_request", text);
    let mut fields = field::as_body(&json!({
        "name": field::or_null(form, "name"),
        "description": field::or_null(form, "description"),
        "redirect_uris": redirect_uris(form),
    }))?;
    let name = fields.required_text("name", MAX_NAME_LENGTH);
    let description = fields.description().value();
    let redirect_uris = fields.redirect_uris().value().unwrap_or_default();
    fields.finish()?;
    let kind = match (form.get("kind"), form.get("trust")) {
        (Some("machine"), _) => {
            if !redirect_uris.is_empty() {
                return Err(wrong("A machine has no redirect URIs, because nobody signs in to it."));
            }
            let organization_id =
                organization_id.ok_or_else(|| wrong("Choose the organization that the machine acts for."))?;
            NewApplicationKind::Machine { organization_id }
        }
        (Some(kind @ ("server" | "public")), Some(trust @ ("first" | "third"))) => {
            let third_party_organization_id = match trust {
                "third" => Some(
                    organization_id.ok_or_else(|| wrong("Choose the organization that the application belongs to."))?,
                ),
                _ if organization_id.is_some() => {
                    return Err(wrong("Your own applications do not belong to an organization."));
                }
                _ => None,
            };
            NewApplicationKind::OAuth {
                third_party_organization_id,
                client_type: if kind == "public" { ClientType::Public } else { ClientType::Confidential },
                redirect_uris,
                cors_origins: Vec::new(),
                backchannel_logout_uri: None,
            }
        }
        _ => return Err(wrong("Choose what the application is, and who owns it.")),
    };
    Ok(New { name, description, scopes, kind, client_id: None })
}

/// Creates the application and, if it is confidential, its first credential; shows both.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let offered = scope_options(call, &[]).await?;
    let chosen = chosen_scopes(&form, &offered);
    let ticked: Vec<ScopeOption> =
        offered.into_iter().map(|option| ScopeOption { chosen: chosen.contains(&option.slug), ..option }).collect();
    let read = match resolve_organization(call, &form).await? {
        Ok(organization_id) => read(&form, organization_id, chosen),
        Err(problem) => Err(Failure::bad_request("bad_request", problem)),
    };
    let new = match read {
        Ok(new) => new,
        Err(failure) => return show(call, &form, &ticked, Some(refused(failure)?)).await,
    };
    let keeps_secrets = !matches!(new.kind, NewApplicationKind::OAuth { client_type: ClientType::Public, .. });
    let act = call.act();
    let made = call
        .commit(move |tx| {
            Box::pin(async move {
                let made = applications::create(tx, &act, new).await?;
                let secret = match keeps_secrets {
                    true => Some(client_secrets::create(tx, &act, &made.id.to_string()).await?.1),
                    false => None,
                };
                Ok((made, secret))
            })
        })
        .await;
    match made {
        Ok((made, secret)) => super::detail::show(call, &made, secret.as_ref(), None, StatusCode::CREATED).await,
        // The missing organization was typed into the form, so this is not a 404 page.
        Err(Failure::Refused(error @ countersign_protocol::management::error::ApiError::NotFound { .. })) => {
            show(call, &form, &ticked, Some(crate::dashboard::page::error_text(&error))).await
        }
        Err(failure) => {
            let problem = refused(failure)?;
            show(call, &form, &ticked, Some(problem)).await
        }
    }
}
