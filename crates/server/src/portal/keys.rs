//! `/portal/api-keys`: the organization's API keys.

use super::call::PortalCall;
use super::page::{Part, Told, pager};
use super::{in_words, new};
use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::hosted::consent;
use crate::hosted::page::{PageError, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::{Key, Keys};
use countersign_protocol::id::ApiKeyId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::PortalCredentials;
use countersign_protocol::secret::Secret;
use countersign_store::api_key;
use http::StatusCode;

/// The list, paginated, newest first; the value of a new key is shown only in this response.
async fn show(call: &PortalCall, fresh: Option<&Secret>, told: Told, status: StatusCode) -> Result<Reply, PageError> {
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
pub async fn get(call: &PortalCall) -> Result<Reply, PageError> {
    show(call, None, Told::default(), StatusCode::OK).await
}

/// The form for a new key.
///
/// # Errors
/// Database errors.
pub async fn get_new(call: &PortalCall) -> Result<Reply, PageError> {
    new::get(call, Part::Keys).await
}

/// Creates a key and shows it.
///
/// # Errors
/// Database errors.
pub async fn post_new(call: &PortalCall) -> Result<Reply, PageError> {
    let (name, permissions) = match new::read(call, Part::Keys).await? {
        Ok(typed) => typed,
        Err(reply) => return Ok(reply),
    };
    let (act, organization_id) = (call.act(), call.organization.id);
    let made = call
        .commit(move |tx| {
            Box::pin(async move { portal::create_key(tx, &act, organization_id, name, permissions).await })
        })
        .await;
    match made {
        Ok(value) => show(call, Some(&value), Told::default(), StatusCode::CREATED).await,
        Err(failure) => new::refused(call, Part::Keys, failure).await,
    }
}

/// Revokes a key. The reply says when that happened.
///
/// # Errors
/// Database errors.
pub async fn revoke(call: &PortalCall) -> Result<Reply, PageError> {
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
        Err(failure) => Err(PageError::Failure(failure)),
    }
}
