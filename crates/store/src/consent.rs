//! Users' consents: what they have allowed applications.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{ApplicationId, ConsentId, EnvironmentId, OrganizationId, UserId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{Choices, Consent};

statements! {
    INSERT = "INSERT INTO consent (environment_id, id, user_id, application_id, organization_id, organization_key, resource, scope, ",
        "choices, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ",
        "ON CONFLICT (environment_id, user_id, application_id, organization_key, resource) DO NOTHING";
    UPDATE = "UPDATE consent SET scope = $3, choices = $4, updated_at = $5 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE consent SET updated_at = updated_at WHERE environment_id = $1 AND id = $2 ",
        "RETURNING id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at";
    DELETE = "DELETE FROM consent WHERE environment_id = $1 AND id = $2";
    FIND = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND id = $2";
    OF_USER_AND_APPLICATION = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND user_id = $2 AND application_id = $3 AND resource = $4";
    OF_USER_DESCENDING = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND user_id = $4 AND id < $2 AND EXISTS (SELECT 1 FROM connect_application a ",
        "WHERE a.environment_id = consent.environment_id AND a.id = consent.application_id AND a.ownership <> 'first_party') ORDER BY id DESC LIMIT $3";
    OF_USER_ASCENDING = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND user_id = $4 AND id > $2 AND EXISTS (SELECT 1 FROM connect_application a ",
        "WHERE a.environment_id = consent.environment_id AND a.id = consent.application_id AND a.ownership <> 'first_party') ORDER BY id ASC LIMIT $3";
    OF_ORGANIZATION_DESCENDING = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND organization_id = $4 AND id < $2 AND EXISTS (SELECT 1 FROM connect_application a ",
        "WHERE a.environment_id = consent.environment_id AND a.id = consent.application_id AND a.ownership <> 'first_party') ORDER BY id DESC LIMIT $3";
    OF_ORGANIZATION_ASCENDING = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND organization_id = $4 AND id > $2 AND EXISTS (SELECT 1 FROM connect_application a ",
        "WHERE a.environment_id = consent.environment_id AND a.id = consent.application_id AND a.ownership <> 'first_party') ORDER BY id ASC LIMIT $3";
    OF_USER = "SELECT id, user_id, application_id, organization_id, resource, scope, choices, created_at, updated_at FROM consent ",
        "WHERE environment_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 500";
    ALL_OF_APPLICATION = "SELECT id FROM consent WHERE environment_id = $1 AND user_id = $2 AND application_id = $3";
}

fn read(row: &Row) -> Result<Consent> {
    Ok(Consent {
        id: row.parse(0)?,
        user_id: row.parse(1)?,
        application_id: row.parse(2)?,
        organization_id: row.opt_parse(3)?,
        resource: row.text(4)?.to_owned(),
        scopes: row.text(5)?.split_ascii_whitespace().map(str::to_owned).collect(),
        choices: row.json(6)?,
        created_at: row.timestamp(7)?,
        updated_at: row.timestamp(8)?,
    })
}

/// The stored form of a user's choices.
pub(crate) fn written(choices: &Choices) -> String {
    serde_json::to_string(choices).unwrap_or_else(|_| "{}".to_owned())
}

/// Inserts a consent, unless one exists for this user, application, organization and resource.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, consent: &Consent) -> Result<()> {
    let organization_key = consent.organization_id.map_or_else(String::new, |id| id.to_string());
    let params = [
        environment_id.into(),
        consent.id.into(),
        consent.user_id.into(),
        consent.application_id.into(),
        consent.organization_id.into(),
        organization_key.into(),
        (&consent.resource).into(),
        consent.scopes.join(" ").into(),
        written(&consent.choices).into(),
        consent.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the consent with this ID, and locks it until the transaction ends.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, id: ConsentId) -> Result<Option<Consent>> {
    tx.query_opt(LOCK, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Updates a consent's scopes and choices.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, consent: &Consent) -> Result<()> {
    let params = [
        environment_id.into(),
        consent.id.into(),
        consent.scopes.join(" ").into(),
        written(&consent.choices).into(),
        consent.updated_at.into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Deletes a consent, with everything issued under it; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: ConsentId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Returns the consent with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: ConsentId) -> Result<Option<Consent>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns what a user has allowed an application for a resource (empty for none), for every organization.
///
/// # Errors
/// Database errors.
pub async fn of_user_and_application(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    application_id: ApplicationId,
    resource: &str,
) -> Result<Vec<Consent>> {
    let params = [environment_id.into(), user_id.into(), application_id.into(), resource.into()];
    query.query(OF_USER_AND_APPLICATION, &params).await?.iter().map(read).collect()
}

/// The owner of the consents to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A user's.
    User(UserId),
    /// Those given for an organization.
    Organization(OrganizationId),
}

/// Lists a slice of a user's or an organization's consents, except those for first-party applications, which nobody was
/// asked for.
///
/// # Errors
/// Database errors.
pub async fn list(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    slice: &Slice<ConsentId>,
    of: Of,
) -> Result<Vec<Consent>> {
    let (paged, owner) = match of {
        Of::User(id) => (Paged { descending: OF_USER_DESCENDING, ascending: OF_USER_ASCENDING }, id.into()),
        Of::Organization(id) => {
            (Paged { descending: OF_ORGANIZATION_DESCENDING, ascending: OF_ORGANIZATION_ASCENDING }, id.into())
        }
    };
    let (sql, bound, limit) = paged.pick(slice);
    let rows = reader.query(sql, &[environment_id.into(), bound, limit, owner]).await?;
    rows.iter().map(read).collect()
}

/// Returns the IDs of everything a user has allowed an application, for any organization and resource.
///
/// # Errors
/// Database errors.
pub async fn all_of_application(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    application_id: ApplicationId,
) -> Result<Vec<ConsentId>> {
    let params = [environment_id.into(), user_id.into(), application_id.into()];
    query.query(ALL_OF_APPLICATION, &params).await?.iter().map(|row| row.parse(0)).collect()
}

/// Returns what a user has allowed, newest first, at most 500.
///
/// # Errors
/// Database errors.
pub async fn of_user(query: &mut impl Query, environment_id: EnvironmentId, user_id: UserId) -> Result<Vec<Consent>> {
    query.query(OF_USER, &[environment_id.into(), user_id.into()]).await?.iter().map(read).collect()
}
