//! Client secrets of Connect applications.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ApplicationId, ClientId, ClientSecretId, EnvironmentId, OrganizationId};
use countersign_protocol::model::{ClientSecret, MadeBy};
use countersign_protocol::time::Timestamp;

statements! {
    LOCK_APPLICATION = "UPDATE connect_application SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    INSERT = "INSERT INTO client_secret (environment_id, id, application_id, digest, hint, created_at, updated_at, made_by) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $6, $7)";
    LIST = "SELECT id, digest, hint, last_used_at, created_at, updated_at, made_by FROM client_secret ",
        "WHERE environment_id = $1 AND application_id = $2 ORDER BY id";
    DELETE = "DELETE FROM client_secret WHERE environment_id = $1 AND id = $2 RETURNING application_id";
    APPLICATION = "SELECT client_id, organization_id FROM connect_application WHERE environment_id = $1 AND id = $2";
    TOUCH = "UPDATE client_secret SET last_used_at = $3 WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<ClientSecret> {
    Ok(ClientSecret {
        id: row.parse(0)?,
        digest: row.digest(1)?,
        hint: row.text(2)?.to_owned(),
        made_by: row.word(6, MadeBy::parse)?,
        last_used_at: row.opt_timestamp(3)?,
        created_at: row.timestamp(4)?,
        updated_at: row.timestamp(5)?,
    })
}

/// Locks an application until the transaction ends, so that its secrets can be counted before adding one.
///
/// # Errors
/// Database errors.
pub async fn lock_application(tx: &mut Tx, environment_id: EnvironmentId, id: ApplicationId) -> Result<()> {
    tx.execute(LOCK_APPLICATION, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Inserts a secret.
///
/// # Errors
/// `ForeignKey` if the application is gone.
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    secret: &ClientSecret,
) -> Result<()> {
    let params = [
        environment_id.into(),
        secret.id.into(),
        application_id.into(),
        (&secret.digest).into(),
        (&secret.hint).into(),
        secret.created_at.into(),
        secret.made_by.written().into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns an application's live secrets, oldest first.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
) -> Result<Vec<ClientSecret>> {
    query.query(LIST, &[environment_id.into(), application_id.into()]).await?.iter().map(read).collect()
}

/// Deletes a secret; returns the client it belonged to and that client's organization, or `None` if there is no such
/// secret.
///
/// # Errors
/// Database errors.
pub async fn delete(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ClientSecretId,
) -> Result<Option<(ClientId, Option<OrganizationId>)>> {
    let Some(row) = tx.query_opt(DELETE, &[environment_id.into(), id.into()]).await? else {
        return Ok(None);
    };
    let row = tx.query_opt(APPLICATION, &[environment_id.into(), row.text(0)?.into()]).await?;
    row.map(|row| Ok((row.parse(0)?, row.opt_parse(1)?))).transpose()
}

/// Records when a secret was last used.
///
/// # Errors
/// Database errors.
pub async fn touch(tx: &mut Tx, environment_id: EnvironmentId, id: ClientSecretId, at: Timestamp) -> Result<()> {
    tx.execute(TOUCH, &[environment_id.into(), id.into(), at.into()]).await?;
    Ok(())
}
