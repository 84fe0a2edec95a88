//! `/dashboard/env/{environment}/portal`: what organizations' administrators may do on their own page.

use super::permissions;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::reply;
use crate::domain::environments;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{OwnPage, Section, Tick};
use countersign_protocol::model::{Environment, PortalCredentials, PortalIntent, PortalSettings};
use countersign_store::permission;
use http::StatusCode;

/// All permissions, plus chosen ones that no longer exist or are not listed: a permission missing from the form would
/// be removed when anything else is saved.
async fn offered(call: &DashboardCall, chosen: &[String]) -> Result<Vec<Tick>, PageError> {
    let mut all = permissions(call, chosen).await?;
    let mut reader = call.page.app.store.reader().await?;
    for slug in chosen {
        if !all.iter().any(|known| known.slug == *slug) {
            let found = permission::find(&mut reader, call.environment.id(), slug).await?;
            let name = found.map_or_else(|| "That permission no longer exists.".to_owned(), |known| known.name);
            all.push(Tick { slug: slug.clone(), name, chosen: true });
        }
    }
    Ok(all)
}

/// The version of the settings that the form is drawn from.
fn version_of(environment: &Environment) -> String {
    form_version::of(&environment.portal)
}

async fn show(call: &DashboardCall, settings: &PortalSettings, problem: Option<String>) -> Result<Reply, PageError> {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Organizations, problem);
    let page = OwnPage {
        shell: &shell,
        seen: &version_of(&call.environment.environment),
        address: &format!("{}/portal", call.environment.environment.issuer),
        opens_credentials: PortalIntent::ApiCredentials.permission(),
        opens_domains: PortalIntent::DomainVerification.permission(),
        credentials: settings.credentials.as_str(),
        permissions: &offered(call, &settings.permissions).await?,
    };
    Ok(reply(status, &page))
}

/// The settings.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &call.environment.environment.portal, None).await
}

/// Saves the settings; every node applies them within a second.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let credentials = form.get("credentials").and_then(PortalCredentials::parse).ok_or_else(PageError::flow)?;
    let kept = &call.environment.environment.portal.permissions;
    let wanted =
        PortalSettings { credentials, permissions: field::chosen(&form, "scope_", &offered(call, kept).await?) };
    let (act, settings, before) = (call.act(), wanted.clone(), field::text(&form, "seen").to_owned());
    let change = move |found: &mut Environment| {
        form_version::unchanged(&before, &version_of(found))?;
        found.portal = settings;
        Ok(())
    };
    let saved =
        call.commit(move |tx| Box::pin(async move { environments::change_settings(tx, &act, change).await })).await;
    match saved {
        Ok(()) => call.to("/portal?done=saved"),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, &wanted, Some(problem)).await?.with_status(status))
        }
    }
}
