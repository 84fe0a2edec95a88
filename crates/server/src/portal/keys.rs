//! `/portal/api-keys`: the organization's API keys.

use super::call::PortalCall;
use super::machines::{refused, ticked, wrong_name};
use super::page::{Part, Told, pager};
use super::{in_words, offered};
use crate::dashboard::field;
use crate::domain::{Failure, portal};
use crate::hosted::consent;
use crate::hosted::page::{Stop, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::{Key, Keys, New};
use countersign_protocol::id::ApiKeyId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::PortalCredentials;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::secret::Secret;
use countersign_store::api_key;
use http::StatusCode;

/// Where a key is made.
const NEW: &str = "/portal/api-keys/new";

/// Their list, page by page, newest first; with the value of a key that was just made, this once.
async fn show(call: &PortalCall, fresh: Option<&Secret>, told: Told, status: StatusCode) -> Result<Reply, Stop> {
    let asked = if call.page.keeps.is_some() { call.page.uri.query().unwrap_or("") } else { "" };
    let query = Query::parse(asked).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| ApiKeyId::parse(text).ok()).map_err(Failure::from)?;
    let mut reader = call.page.app.store.reader().await?;
    let rows = api_key::list(&mut reader, call.environment_id(), call.organization.id, &request.slice()).await?;
    let page = request.page(rows, |row| row.id);
    let now = call.page.app.clock.now();
    let mut keys = Vec::with_capacity(page.data.len());
    for row in &page.data {
        let access = consent::in_words(&call.page, &mut reader, &row.permissions, call.language()).await?;
        keys.push(Key {
            id: row.id.to_string(),
            name: row.name.clone(),
            obfuscated: row.obfuscated_value.clone(),
            access: access.into_iter().map(|(name, _)| name).collect(),
            created: call.when(row.created_at),
            by: in_words(call, &mut reader, row.made_by).await?,
            used: call.used(row.last_used_at),
            expires: row.expires_at.map(|at| call.when(at)).unwrap_or_default(),
            expired: row.is_expired(now),
        });
    }
    drop(reader);
    let branding = branding(&call.page);
    let page = Keys {
        shell: &call.shell(&branding, Part::Keys, told),
        keys: &keys,
        fresh: fresh.map(Secret::expose),
        pager: &pager(Part::Keys.path(), page.before, page.after),
    };
    Ok(call.reply(status, &page))
}

/// The list.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PortalCall) -> Result<Reply, Stop> {
    show(call, None, Told::default(), StatusCode::OK).await
}

async fn show_new(call: &PortalCall, form: Option<&Params<'_>>, problem: Option<&str>) -> Result<Reply, Stop> {
    let access = offered(call, form).await?;
    let branding = branding(&call.page);
    let told = problem.map_or_else(Told::default, Told::problem);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = New {
        shell: &call.shell(&branding, Part::Keys, told),
        key: true,
        action: NEW,
        list: Part::Keys.path(),
        name: form.map_or("", |form| field::text(form, "name")),
        access: &access,
    };
    Ok(call.reply(status, &page))
}

/// The form for a new one.
///
/// # Errors
/// Database errors.
pub async fn get_new(call: &PortalCall) -> Result<Reply, Stop> {
    match call.require(PortalCredentials::Create) {
        Ok(()) => show_new(call, None, None).await,
        Err(reply) => Ok(reply),
    }
}

/// Makes a key; shows it.
///
/// # Errors
/// Database errors.
pub async fn post_new(call: &PortalCall) -> Result<Reply, Stop> {
    if let Err(reply) = call.require(PortalCredentials::Create) {
        return Ok(reply);
    }
    let form = call.page.form()?;
    let name = field::text(&form, "name");
    if let Some(problem) = wrong_name(call, name) {
        return show_new(call, Some(&form), Some(problem)).await;
    }
    let permissions = ticked(call, &form).await?;
    let (act, organization_id, name) = (call.act(), call.organization.id, name.to_owned());
    let made = call
        .commit(move |tx| {
            Box::pin(async move { portal::create_key(tx, &act, organization_id, name, permissions).await })
        })
        .await;
    match made {
        Ok(value) => show(call, Some(&value), Told::default(), StatusCode::CREATED).await,
        Err(failure) => {
            let problem = refused(call, failure)?;
            show_new(call, Some(&form), Some(problem)).await
        }
    }
}

/// Ends a key. The answer says when that was.
///
/// # Errors
/// Database errors.
pub async fn revoke(call: &PortalCall) -> Result<Reply, Stop> {
    if let Err(reply) = call.require(PortalCredentials::Revoke) {
        return Ok(reply);
    }
    let form = call.page.form()?;
    let id = form.get("api_key_id").unwrap_or("").to_owned();
    let (act, organization_id) = (call.act(), call.organization.id);
    let now = act.now;
    let ended =
        call.commit(move |tx| Box::pin(async move { portal::end_key(tx, &act, organization_id, &id).await })).await;
    let t = call.language().texts();
    match ended {
        Ok(key) => {
            let told = Told::done(t.portal_key_revoked(&key.name, &call.when(now)));
            show(call, None, told, StatusCode::OK).await
        }
        Err(Failure::Refused(ApiError::NotFound { .. })) => {
            show(call, None, Told::problem(t.portal_gone()), StatusCode::NOT_FOUND).await
        }
        Err(failure) => Err(Stop::Failure(failure)),
    }
}
