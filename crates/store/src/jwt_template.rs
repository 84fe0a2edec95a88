//! What environments add to the claims of access tokens about people.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::JwtTemplate;
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO jwt_template (environment_id, content, created_at, updated_at) VALUES ($1, $2, $3, $3) ",
        "ON CONFLICT (environment_id) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at";
    DELETE = "DELETE FROM jwt_template WHERE environment_id = $1";
    FIND = "SELECT content, created_at, updated_at FROM jwt_template WHERE environment_id = $1";
}

fn read(row: &Row) -> Result<JwtTemplate> {
    Ok(JwtTemplate { content: row.text(0)?.to_owned(), created_at: row.timestamp(1)?, updated_at: row.timestamp(2)? })
}

/// Gives an environment a template, in place of the one it has.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, content: &str, now: Timestamp) -> Result<()> {
    tx.execute(SET, &[environment_id.into(), content.into(), now.into()]).await?;
    Ok(())
}

/// Leaves an environment without a template; `false` when it has none.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into()]).await? == 1)
}

/// The template of an environment.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Option<JwtTemplate>> {
    query.query_opt(FIND, &[environment_id.into()]).await?.as_ref().map(read).transpose()
}
