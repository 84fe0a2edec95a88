//! `/organizations/{id}/api_keys` and `/api_keys`: keys that customers use with the company's own API.

use crate::domain::Failure;
use crate::domain::organizations::{self, api_keys};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use crate::jobs::last_used::Subject;
use countersign_protocol::id::ApiKeyId;
use countersign_protocol::management::fields::{MAX_NAME_LENGTH, MAX_SLUG_LENGTH, Patch};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::api_key_view;
use countersign_store::api_key;
use serde_json::json;

/// The maximum length of a text that is looked up as a key.
const MAX_VALUE_LENGTH: usize = 512;

/// `GET /organizations/{id}/api_keys`: the organization's own keys.
///
/// # Errors
/// 404, 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| ApiKeyId::parse(text).ok())?;
    let mut reader = call.reader().await?;
    let organization = organizations::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let rows = api_key::list(&mut reader, call.environment.id(), organization.id, &request.slice()).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| api_key_view(&row)).envelope()))
}

/// `POST /organizations/{id}/api_keys`: the only response that contains the value.
///
/// # Errors
/// 404, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let new = api_keys::NewApiKey {
        name: fields.required_text("name", MAX_NAME_LENGTH),
        permissions: fields.texts("permissions", MAX_SLUG_LENGTH).value().unwrap_or_default(),
        expires_at: fields.timestamp("expires_at").value(),
    };
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let (key, value) = api_keys::create(tx, &act, &id, new).await?;
            let mut view = api_key_view(&key);
            view["value"] = value.expose().into();
            Ok(Reply::created(&view).showing_secret())
        })
    })
    .await
}

/// `POST /api_keys/validations`: the key with a value, or null. Never stored for a retry: the answer may change.
///
/// # Errors
/// 422.
pub async fn validate(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let value = fields.required_string("value");
    fields.finish()?;
    // A longer value cannot be one of our keys.
    let found = match value.len() {
        ..=MAX_VALUE_LENGTH => api_keys::validate(&mut call.reader().await?, &call.act(), &value).await?,
        _ => None,
    };
    if let Some(key) = &found {
        call.app.last_used.note(call.environment.id(), Subject::ApiKey(key.id), call.app.clock.now());
    }
    Ok(Reply::ok(&json!({"api_key": found.as_ref().map(api_key_view)})))
}

/// `POST /api_keys/{id}/expire`: now if absent or in the past; a future time schedules it, null cancels it.
///
/// # Errors
/// 404, 409, 422.
pub async fn expire(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let expires_at = fields.timestamp("expires_at");
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let expires_at = match expires_at {
                Patch::Absent => Some(act.now),
                Patch::Null => None,
                Patch::Value(moment) => Some(moment),
            };
            Ok(Reply::ok(&api_key_view(&api_keys::expire(tx, &act, &id, expires_at).await?)))
        })
    })
    .await
}

/// `DELETE /api_keys/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            api_keys::delete(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
