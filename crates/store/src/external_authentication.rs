//! External authentications: users sent to sign in elsewhere (Standalone Connect).

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, ExternalAuthenticationId};
use countersign_protocol::model::{Completed, ExternalAuthentication, LoginUri};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO external_authentication (environment_id, id, application_id, login_uri, sealed_flow, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT id, application_id, login_uri, sealed_flow, user_id, consent_options, used_at, expires_at FROM external_authentication ",
        "WHERE environment_id = $1 AND id = $2";
    FIND_BY_TOKEN = "SELECT id, application_id, login_uri, sealed_flow, user_id, consent_options, used_at, expires_at FROM external_authentication ",
        "WHERE environment_id = $1 AND token_digest = $2";
    CLAIM = "UPDATE external_authentication SET completed_at = $3 WHERE environment_id = $1 AND id = $2 AND completed_at IS NULL AND expires_at > $3";
    COMPLETE = "UPDATE external_authentication SET user_id = $3, consent_options = $4, token_digest = $5, expires_at = $6 ",
        "WHERE environment_id = $1 AND id = $2";
    USE = "UPDATE external_authentication SET used_at = $3 WHERE environment_id = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3";
    TRIM = "DELETE FROM external_authentication WHERE environment_id = $1 AND completed_at IS NULL AND id IN ",
        "(SELECT id FROM external_authentication WHERE environment_id = $1 AND completed_at IS NULL ",
        "ORDER BY expires_at DESC LIMIT 1000 OFFSET $2)";
    PRUNE_BEGUN = "DELETE FROM external_authentication WHERE completed_at IS NULL AND (environment_id, id) IN ",
        "(SELECT environment_id, id FROM external_authentication WHERE completed_at IS NULL AND expires_at < $1 ORDER BY expires_at LIMIT 1000)";
    PRUNE_COMPLETED = "DELETE FROM external_authentication WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM external_authentication WHERE completed_at IS NOT NULL AND expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<ExternalAuthentication> {
    let completed = match row.opt_parse(4)? {
        Some(user_id) => Some(Completed { user_id, consent_options: row.opt_text(5)?.map(str::to_owned) }),
        None => None,
    };
    Ok(ExternalAuthentication {
        id: row.parse(0)?,
        application_id: row.parse(1)?,
        login_uri: LoginUri::from_stored(row.text(2)?.to_owned()),
        sealed_flow: row.text(3)?.to_owned(),
        completed,
        used_at: row.opt_timestamp(6)?,
        expires_at: row.timestamp(7)?,
    })
}

/// Inserts an external authentication that begins.
///
/// # Errors
/// `ForeignKey` if the application is gone.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, begun: &ExternalAuthentication) -> Result<()> {
    let params = [
        environment_id.into(),
        begun.id.into(),
        begun.application_id.into(),
        begun.login_uri.as_str().into(),
        (&begun.sealed_flow).into(),
        begun.expires_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the external authentication with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: ExternalAuthenticationId,
) -> Result<Option<ExternalAuthentication>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the completed external authentication whose token has this digest.
///
/// # Errors
/// Database errors.
pub async fn find_by_token(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<ExternalAuthentication>> {
    query.query_opt(FIND_BY_TOKEN, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Claims one for completion in this transaction: of several concurrent callers before it expires, exactly one gets
/// `true`.
///
/// # Errors
/// Database errors.
pub async fn claim(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ExternalAuthenticationId,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.execute(CLAIM, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Stores the user, and the token with which the browser may continue until the given time.
///
/// # Errors
/// `ForeignKey` if the user is gone.
pub async fn complete(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ExternalAuthenticationId,
    completed: &Completed,
    (digest, expires_at): (&Digest, Timestamp),
) -> Result<()> {
    let params = [
        environment_id.into(),
        id.into(),
        completed.user_id.into(),
        completed.consent_options.as_deref().into(),
        digest.into(),
        expires_at.into(),
    ];
    tx.execute(COMPLETE, &params).await?;
    Ok(())
}

/// Uses up a completed one: of several concurrent callers before it expires, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn use_up(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ExternalAuthenticationId,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx.execute(USE, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Deletes an environment's oldest uncompleted ones beyond the newest `most`.
///
/// # Errors
/// Database errors.
pub async fn trim(tx: &mut Tx, environment_id: EnvironmentId, most: i64) -> Result<u64> {
    tx.execute(TRIM, &[environment_id.into(), most.into()]).await
}

/// Deletes up to a thousand uncompleted ones that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune_begun(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_BEGUN, &[before.into()]).await
}

/// Like [`prune_begun`], for completed ones.
///
/// # Errors
/// Database errors.
pub async fn prune_completed(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_COMPLETED, &[before.into()]).await
}
