//! `/dashboard/env/{environment}/organizations/{id}`.

use super::find;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::{reply, when};
use crate::domain::{Failure, organizations};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Domain, Organization as Page, Section};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::model::Organization;
use countersign_protocol::oauth::params::Params;
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;

/// Values for the page's forms.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Name, external ID and metadata, if typed.
    pub settings: Option<[String; 3]>,
    /// The domain to add.
    pub domain: String,
}

/// The version of the settings that the form is drawn from.
fn version_of(organization: &Organization) -> String {
    form_version::of(&(&organization.name, &organization.external_id, &organization.metadata))
}

/// Shows an organization, with the typed values if they were refused.
pub(super) fn show(call: &DashboardCall, found: &Organization, typed: Typed, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Organizations, problem);
    let domains: Vec<Domain> = found
        .domains
        .iter()
        .map(|domain| Domain {
            id: domain.id.to_string(),
            domain: domain.domain.clone(),
            state: domain.state.as_str(),
            record: format!("verification_token={}", domain.verification_token),
        })
        .collect();
    let kept = || {
        let external_id = found.external_id.clone().unwrap_or_default();
        [found.name.clone(), external_id, field::metadata_text(&found.metadata)]
    };
    let [name, external_id, metadata] = typed.settings.unwrap_or_else(kept);
    let page = Page {
        shell: &shell,
        seen: &version_of(found),
        href: &shell.at(&format!("/organizations/{}", found.id)),
        tab: "about",
        title: &found.name,
        id: &found.id.to_string(),
        created: &when(found.created_at),
        name: &name,
        external_id: &external_id,
        metadata: &metadata,
        domains: &domains,
        typed_domain: &typed.domain,
    };
    reply(status, &page)
}

/// The organization's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, &find(call).await?, Typed::default(), None))
}

/// The organization's new settings, validated by the rules of the API.
struct Settings {
    name: String,
    external_id: Option<String>,
    metadata: BTreeMap<String, String>,
}

fn read(form: &Params<'_>) -> Result<Settings, Failure> {
    let mut fields = field::as_body(&json!({
        "name": field::or_null(form, "name"),
        "external_id": field::or_null(form, "external_id"),
        "metadata": field::metadata(form)?,
    }))?;
    let read = Settings {
        name: fields.required_text("name", MAX_NAME_LENGTH),
        external_id: fields.external_id().value(),
        metadata: fields.whole_metadata(),
    };
    fields.finish()?;
    Ok(read)
}

/// Saves the settings.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, before) = (call.act(), found.id.to_string(), version_of(&found));
    let changed = match form_version::check(&form, &before).and_then(|()| read(&form)) {
        Ok(read) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    let mut changed = organizations::find_and_lock(tx, &act, &id).await?;
                    form_version::unchanged(&before, &version_of(&changed))?;
                    changed.name = read.name;
                    changed.external_id = read.external_id;
                    changed.metadata = read.metadata;
                    organizations::update(tx, &act, changed, None).await.map(drop)
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => call.to(&format!("/organizations/{}?done=saved", found.id)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            let settings = ["name", "external_id", "metadata"].map(|name| field::text(&form, name).to_owned());
            let typed = Typed { settings: Some(settings), ..Typed::default() };
            Ok(show(call, &found, typed, Some(problem)).with_status(status))
        }
    }
}

/// Deletes the organization.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let (act, id) = (call.act(), call.page.path.get("id").to_owned());
    call.commit(move |tx| Box::pin(async move { organizations::delete(tx, &act, &id).await })).await?;
    call.to("/organizations?done=deleted")
}
