//! Environments.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{Environment, EnvironmentKind, Issuer};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO environment (id, name, kind, client_id, issuer, signing_algorithm, access_token_lifetime, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    ALL = "SELECT id, name, kind, client_id, issuer, signing_algorithm, access_token_lifetime, created_at, updated_at ",
        "FROM environment ORDER BY id";
    UPDATE = "UPDATE environment SET signing_algorithm = $2, access_token_lifetime = $3, kind = $4, updated_at = $5 WHERE id = $1";
}

fn read(row: &Row) -> Result<Environment> {
    Ok(Environment {
        id: row.parse(0)?,
        name: row.text(1)?.to_owned(),
        kind: row.word(2, EnvironmentKind::parse)?,
        client_id: row.parse(3)?,
        issuer: row.word(4, |text| Issuer::parse(text).ok())?,
        signing_algorithm: row.word(5, Algorithm::parse)?,
        access_token_lifetime: row.int(6)?,
        created_at: row.timestamp(7)?,
        updated_at: row.timestamp(8)?,
    })
}

/// Makes an environment.
///
/// # Errors
/// `Unique` when name, client id or issuer is taken.
pub async fn insert(tx: &mut Tx, environment: &Environment) -> Result<()> {
    let params = [
        environment.id.into(),
        (&environment.name).into(),
        environment.kind.as_str().into(),
        environment.client_id.into(),
        environment.issuer.as_str().into(),
        environment.signing_algorithm.as_str().into(),
        environment.access_token_lifetime.into(),
        environment.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Every environment, oldest first: the one list that has no tenant, for finding the tenant of a request.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query) -> Result<Vec<Environment>> {
    query.query(ALL, &[]).await?.iter().map(read).collect()
}

/// What can change in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// Staging or production.
    pub kind: EnvironmentKind,
    /// What new signing keys are made for.
    pub signing_algorithm: Algorithm,
    /// How long an access token lives, in seconds.
    pub access_token_lifetime: i64,
}

/// Changes an environment's settings.
///
/// # Errors
/// Database errors.
pub async fn update(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    settings: EnvironmentSettings,
    now: Timestamp,
) -> Result<()> {
    let params = [
        environment_id.into(),
        settings.signing_algorithm.as_str().into(),
        settings.access_token_lifetime.into(),
        settings.kind.as_str().into(),
        now.into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}
