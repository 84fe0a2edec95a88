//! People who were sent away to sign in elsewhere (Standalone Connect).

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
        login_uri: LoginUri::from_kept(row.text(2)?.to_owned()),
        sealed_flow: row.text(3)?.to_owned(),
        completed,
        used_at: row.opt_timestamp(6)?,
        expires_at: row.timestamp(7)?,
    })
}

/// Keeps one that begins.
///
/// # Errors
/// `ForeignKey` when the application is gone.
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

/// The one with this identifier.
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

/// The completed one whose token has this digest.
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

/// Takes one to be completed in this transaction: of all who try, while it has its time, one gets `true`.
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

/// Notes who it was, and the token with which the browser may go on until a moment.
///
/// # Errors
/// `ForeignKey` when the person is gone.
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

/// Uses a completed one up: of all who try, while it has its time, one gets `true`.
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

/// Forgets the oldest that nobody has completed, beyond so many in an environment.
///
/// # Errors
/// Database errors.
pub async fn trim(tx: &mut Tx, environment_id: EnvironmentId, most: i64) -> Result<u64> {
    tx.execute(TRIM, &[environment_id.into(), most.into()]).await
}

/// Forgets up to a thousand that nobody has completed, and whose time was over before a moment; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune_begun(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_BEGUN, &[before.into()]).await
}

/// The same of completed ones.
///
/// # Errors
/// Database errors.
pub async fn prune_completed(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_COMPLETED, &[before.into()]).await
}
