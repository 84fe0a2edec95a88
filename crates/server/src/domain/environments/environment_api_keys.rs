//! An environment's keys for the management API: the command line, `apply` and the dashboard create them through the
//! same functions.

use crate::domain::{Act, Failure, audit_log};
use crate::entropy::{Entropy, NoEntropy};
use countersign_protocol::id::{EnvironmentApiKeyId, EnvironmentId};
use countersign_protocol::model::{ENVIRONMENT_API_KEY_HINT, EnvironmentApiKey};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_protocol::time::Timestamp;
use countersign_store::change::{self, Topic};
use countersign_store::{Tx, environment_api_key};

/// Creates a key with a given value, not yet stored.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn fresh(
    environment_id: EnvironmentId,
    name: &str,
    value: &Secret,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<EnvironmentApiKey, NoEntropy> {
    Ok(EnvironmentApiKey {
        id: entropy.id(now)?,
        environment_id,
        name: name.to_owned(),
        hint: value.hint(ENVIRONMENT_API_KEY_HINT),
        last_used_at: None,
        created_at: now,
    })
}

/// Creates a key; its value is only in the return value.
///
/// # Errors
/// 409 `api_key_name_conflict`.
pub async fn create(tx: &mut Tx, act: &Act, name: &str) -> Result<(EnvironmentApiKey, Secret), Failure> {
    let value = act.entropy.secret(SecretKind::EnvironmentApiKey)?;
    let key = fresh(act.environment_id, name, &value, &act.entropy, act.now)?;
    let digest = act.keyring.environment_api_key.digest(value.expose());
    environment_api_key::insert(tx, &key, &digest).await.map_err(|error| {
        if error.is_unique("environment_api_key", "name") {
            Failure::conflict(
                "api_key_name_conflict",
                format!("There is an API key named '{name}' already. Choose another name, or revoke it first."),
            )
        } else {
            error.into()
        }
    })?;
    audit_log::note(tx, act, "environment_api_key.created", "environment_api_key", key.id).await?;
    change::record(tx, act.environment_id, &Topic::EnvironmentApiKeys, act.now);
    Ok((key, value))
}

/// Deletes a key: every node rejects it within a second.
///
/// # Errors
/// 404.
pub async fn revoke(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("API key", id);
    let parsed = EnvironmentApiKeyId::parse(id).map_err(|_| missing())?;
    if !environment_api_key::delete(tx, act.environment_id, parsed).await? {
        return Err(missing());
    }
    audit_log::note(tx, act, "environment_api_key.deleted", "environment_api_key", parsed).await?;
    change::record(tx, act.environment_id, &Topic::EnvironmentApiKeys, act.now);
    Ok(())
}
