//! API keys that customers use with the company's own API.

use crate::domain::organizations::{self, permissions};
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::ApiKeyId;
use countersign_protocol::management::views::api_key_view;
use countersign_protocol::model::{ApiKey, ApiKeyOwner, MadeBy};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_protocol::time::Timestamp;
use countersign_store::{Query, Tx, api_key};
use serde_json::json;

/// The properties of a new key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The name shown to users.
    pub name: String,
    /// The slugs of its permissions.
    pub permissions: Vec<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Creates a key for an organization; its value is only in the return value.
///
/// # Errors
/// 404 for the organization; 422 for unknown permissions and an expiry in the past.
pub async fn create(
    tx: &mut Tx,
    act: &Act,
    organization_id: &str,
    new: NewApiKey,
) -> Result<(ApiKey, Secret), Failure> {
    let organization = organizations::find(tx, act, organization_id).await?;
    if new.expires_at.is_some_and(|expires_at| expires_at <= act.now) {
        return Err(Failure::invalid("expires_at", "invalid", "expires_at must lie in the future."));
    }
    permissions::require_scopes(tx, act, "permissions", &new.permissions, false).await?;
    let value = act.entropy.secret(SecretKind::OrganizationApiKey)?;
    let made = ApiKey {
        id: act.entropy.id(act.now)?,
        owner: ApiKeyOwner::Organization(organization.id),
        name: new.name,
        obfuscated_value: format!("sk_...{}", value.hint(4)),
        permissions: new.permissions,
        made_by: MadeBy::of(&act.actor),
        last_used_at: None,
        expires_at: new.expires_at,
        created_at: act.now,
        updated_at: act.now,
    };
    let digest = act.keyring.api_key.digest(value.expose());
    api_key::insert(tx, act.environment_id, &made, &digest).await.map_err(|error| match error {
        countersign_store::Error::ForeignKey => Failure::not_found("Organization", organization_id),
        error => error.into(),
    })?;
    events::record(tx, act, "api_key.created", Some(organization.id), &api_key_view(&made)).await?;
    Ok((made, value))
}

/// Returns the unexpired key with this value, if there is one.
///
/// # Errors
/// Database errors.
pub async fn validate(query: &mut impl Query, act: &Act, value: &str) -> Result<Option<ApiKey>, Failure> {
    let digest = act.keyring.api_key.digest(value);
    let found = api_key::find_by_digest(query, act.environment_id, &digest).await?;
    Ok(found.filter(|key| !key.is_expired(act.now)))
}

async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<ApiKey, Failure> {
    let missing = || Failure::not_found("API Key", id);
    let parsed = ApiKeyId::parse(id).map_err(|_| missing())?;
    api_key::find_and_lock(tx, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Sets when a key expires: a future time schedules it, a past one expires the key now, `None` cancels it.
///
/// # Errors
/// 404; 409 `api_key_already_expired`.
pub async fn expire(tx: &mut Tx, act: &Act, id: &str, expires_at: Option<Timestamp>) -> Result<ApiKey, Failure> {
    let mut key = find_and_lock(tx, act, id).await?;
    if key.is_expired(act.now) {
        return Err(Failure::conflict("api_key_already_expired", format!("The API key '{id}' has already expired.")));
    }
    let previous = key.expires_at;
    key.expires_at = expires_at.map(|moment| moment.max(act.now));
    key.updated_at = act.now;
    api_key::set_expiry(tx, act.environment_id, key.id, key.expires_at, act.now).await?;
    let mut data = api_key_view(&key);
    data["previous_attributes"] = json!({"expires_at": previous});
    events::record(tx, act, "api_key.updated", Some(key.owner.organization_id()), &data).await?;
    Ok(key)
}

/// Deletes a key.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let key = find_and_lock(tx, act, id).await?;
    api_key::delete(tx, act.environment_id, key.id).await?;
    events::record(tx, act, "api_key.revoked", Some(key.owner.organization_id()), &api_key_view(&key)).await
}
