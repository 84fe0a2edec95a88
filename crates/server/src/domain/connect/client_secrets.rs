//! Client secrets: up to five at a time, shown once, revoked at once.

use crate::domain::connect::applications;
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::audit::administrative::target;
use countersign_protocol::id::ClientSecretId;
use countersign_protocol::model::{
    ApplicationKind, ClientSecret, ClientType, ConnectApplication, MAX_CLIENT_SECRETS, MadeBy,
};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_store::{Tx, client_secret};

/// The number of a secret's last characters that are kept for recognizing it.
const HINT: usize = 6;

/// Creates a secret for an application; its value is only in the return value.
///
/// # Errors
/// 404 for the application; 422 for a public one, and when it has five already.
pub async fn create(tx: &mut Tx, act: &Act, application_id: &str) -> Result<(ClientSecret, Secret), Failure> {
    let application = applications::find(tx, act, application_id).await?;
    let value = act.entropy.secret(SecretKind::ClientSecret)?;
    let secret = insert(tx, act, &application, &value).await?;
    Ok((secret, value))
}

/// Stores a secret with a given value.
///
/// # Errors
/// As [`create`].
pub async fn insert(
    tx: &mut Tx,
    act: &Act,
    application: &ConnectApplication,
    value: &Secret,
) -> Result<ClientSecret, Failure> {
    if matches!(application.kind, ApplicationKind::OAuth { client_type: ClientType::Public, .. }) {
        return Err(Failure::invalid(
            "",
            "public_client",
            "A public application cannot keep a secret; it uses PKCE instead.",
        ));
    }
    // Counted under the application's lock, so that concurrent requests cannot exceed the limit together.
    client_secret::lock_application(tx, act.environment_id, application.id).await?;
    if client_secret::list(tx, act.environment_id, application.id).await?.len() >= MAX_CLIENT_SECRETS {
        return Err(Failure::invalid(
            "",
            "too_many_client_secrets",
            format!("An application can have at most {MAX_CLIENT_SECRETS} client secrets. Delete one first."),
        ));
    }
    let secret = ClientSecret {
        id: act.entropy.id(act.now)?,
        digest: act.keyring.client_secret.digest(value.expose()),
        hint: value.hint(HINT),
        made_by: MadeBy::of(&act.actor),
        last_used_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    client_secret::insert(tx, act.environment_id, application.id, &secret).await.map_err(|error| match error {
        countersign_store::Error::ForeignKey => Failure::not_found("Application", application.id),
        error => error.into(),
    })?;
    applications::record_change(tx, act, application.client_id).await?;
    let organization_id = application.organization_id();
    audit_log::record(tx, act, "client_secret.created", target("client_secret", secret.id), organization_id).await?;
    Ok(secret)
}

/// Deletes a secret: it stops working at once, and its tokens are inactive.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("Client secret", id);
    let parsed = ClientSecretId::parse(id).map_err(|_| missing())?;
    let deleted = client_secret::delete(tx, act.environment_id, parsed).await?;
    let (client_id, organization_id) = deleted.ok_or_else(missing)?;
    applications::record_change(tx, act, client_id).await?;
    audit_log::record(tx, act, "client_secret.deleted", target("client_secret", parsed), organization_id).await
}
