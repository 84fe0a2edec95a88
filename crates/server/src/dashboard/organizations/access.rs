//! `/dashboard/env/{environment}/organizations/{id}/access`: applications with their credentials, API keys, and the
//! applications that members have authorized.

use super::{find, permissions};
use crate::dashboard::applications::kind_in_words;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::list_cursor::ListCursor;
use crate::dashboard::page::{refused, reply, when};
use crate::domain::Failure;
use crate::domain::organizations::api_keys::{self, NewApiKey};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{ConnectedRow, CustomerKeyRow, MachineRow, OrganizationAccess, Pager, Section};
use countersign_protocol::id::{ApiKeyId, ApplicationId, ConsentId};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::model::Organization;
use countersign_protocol::secret::Secret;
use countersign_store::application::Filter;
use countersign_store::consent::{self, Of};
use countersign_store::{api_key, application, client_secret, user};
use http::StatusCode;
use serde_json::json;

/// What the page shows besides stored data.
#[derive(Default)]
struct Shown {
    fresh: Option<Secret>,
    key_name: String,
    chosen: Vec<String>,
    problem: Option<String>,
}

/// The path of this page of an organization.
fn path_of(call: &DashboardCall, of: &Organization) -> String {
    call.at(&format!("/organizations/{}/access", of.id))
}

async fn machines(call: &DashboardCall, of: &Organization) -> Result<(Vec<MachineRow>, Pager), PageError> {
    let environment_id = call.environment.id();
    let part = ListCursor::of(call, "applications", |text| ApplicationId::parse(text).ok())?;
    let mut reader = call.page.app.store.reader().await?;
    let filter = Filter { organization_id: Some(of.id), authenticated: true, dynamic: false };
    let found = application::list(&mut reader, environment_id, filter, &part.slice()).await?;
    let (found, pager) = part.page(&path_of(call, of), found, |row| row.id);
    let mut rows = Vec::new();
    for found in found {
        let secrets = client_secret::list(&mut reader, environment_id, found.id).await?;
        let used = |at: Option<_>| at.map_or_else(|| "Never".to_owned(), when);
        rows.push(MachineRow {
            href: call.at(&format!("/applications/{}", found.id)),
            kind: kind_in_words(&found.kind),
            name: found.name,
            secrets: secrets.into_iter().rev().map(|one| (one.hint, used(one.last_used_at))).collect(),
        });
    }
    Ok((rows, pager))
}

async fn keys(call: &DashboardCall, of: &Organization) -> Result<(Vec<CustomerKeyRow>, Pager), PageError> {
    let part = ListCursor::of(call, "api-keys", |text| ApiKeyId::parse(text).ok())?;
    let mut reader = call.page.app.store.reader().await?;
    let rows = api_key::list(&mut reader, call.environment.id(), of.id, &part.slice()).await?;
    let (rows, pager) = part.page(&path_of(call, of), rows, |row| row.id);
    let now = call.page.app.clock.now();
    let row = |key: countersign_protocol::model::ApiKey| CustomerKeyRow {
        id: key.id.to_string(),
        expired: key.is_expired(now),
        name: key.name,
        hint: key.obfuscated_value,
        permissions: key.permissions,
        used: key.last_used_at.map_or_else(|| "Never".to_owned(), when),
        until: key.expires_at.map_or_else(|| "Never".to_owned(), when),
    };
    Ok((rows.into_iter().map(row).collect(), pager))
}

async fn connected(call: &DashboardCall, of: &Organization) -> Result<(Vec<ConnectedRow>, Pager), PageError> {
    let environment_id = call.environment.id();
    let part = ListCursor::of(call, "connected", |text| ConsentId::parse(text).ok())?;
    let mut reader = call.page.app.store.reader().await?;
    let given = consent::list(&mut reader, environment_id, &part.slice(), Of::Organization(of.id)).await?;
    let (given, pager) = part.page(&path_of(call, of), given, |row| row.id);
    let mut rows = Vec::new();
    for given in given {
        let Some(found) = application::find(&mut reader, environment_id, given.application_id).await? else { continue };
        let Some(person) = user::find(&mut reader, environment_id, given.user_id).await? else { continue };
        rows.push(ConnectedRow {
            application_id: found.id.to_string(),
            href: call.at(&format!("/applications/{}", found.id)),
            name: found.name,
            with: person.email,
            with_href: call.at(&format!("/users/{}", person.id)),
            scopes: given.scopes,
            since: when(given.created_at),
        });
    }
    Ok((rows, pager))
}

async fn show(call: &DashboardCall, found: &Organization, what: Shown, status: StatusCode) -> Result<Reply, PageError> {
    let shell = match what.problem {
        Some(problem) => call.shell_with(Section::Organizations, Some(problem)),
        None => call.shell(Section::Organizations),
    };
    let (machines, machines_pager) = machines(call, found).await?;
    let (keys, keys_pager) = keys(call, found).await?;
    let (connected, connected_pager) = connected(call, found).await?;
    let page = OrganizationAccess {
        shell: &shell,
        href: &shell.at(&format!("/organizations/{}", found.id)),
        tab: "access",
        title: &found.name,
        new_application: &shell.at(&format!("/applications/new?kind=machine&organization_id={}", found.id)),
        machines: &machines,
        machines_pager: &machines_pager,
        keys: &keys,
        keys_pager: &keys_pager,
        fresh: what.fresh.as_ref().map(Secret::expose),
        key_name: &what.key_name,
        permissions: &permissions(call, &what.chosen).await?,
        connected: &connected,
        connected_pager: &connected_pager,
    };
    Ok(reply(status, &page))
}

/// The organization's programmatic access.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    show(call, &found, Shown::default(), StatusCode::OK).await
}

/// Creates an API key. Its value is shown only in this response.
///
/// # Errors
/// 404.
pub async fn create_key(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let chosen = field::chosen(&form, "scope_", &permissions(call, &[]).await?);
    let read = || {
        let mut fields = field::as_body(&json!({"name": field::or_null(&form, "name")}))?;
        let name = fields.required_text("name", MAX_NAME_LENGTH);
        fields.finish()?;
        Ok::<_, Failure>(NewApiKey { name, permissions: chosen.clone(), expires_at: None })
    };
    let (act, id) = (call.act(), found.id.to_string());
    let made = match read() {
        Ok(new) => call.commit(move |tx| Box::pin(async move { api_keys::create(tx, &act, &id, new).await })).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok((_, value)) => {
            let what = Shown { fresh: Some(value), ..Shown::default() };
            show(call, &found, what, StatusCode::CREATED).await
        }
        Err(failure) => {
            let problem = Some(refused(failure)?);
            let what = Shown { problem, key_name: field::text(&form, "name").to_owned(), chosen, fresh: None };
            show(call, &found, what, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Deletes an API key of this organization, which stops working at once.
///
/// # Errors
/// 404.
pub async fn revoke_key(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, organization_id) = (call.act(), field::text(&form, "api_key_id").to_owned(), found.id);
    call.commit(move |tx| {
        Box::pin(async move {
            // Another organization's key is answered as not found.
            let known = match ApiKeyId::parse(&id) {
                Ok(parsed) => api_key::find(tx, act.environment_id, parsed).await?,
                Err(_) => None,
            };
            if known.is_none_or(|key| key.owner.organization_id() != organization_id) {
                return Err(Failure::not_found("API key", id));
            }
            api_keys::delete(tx, &act, &id).await
        })
    })
    .await?;
    call.to(&format!("/organizations/{}/access?done=revoked", found.id))
}
