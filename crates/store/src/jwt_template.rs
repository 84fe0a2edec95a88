//! JWT templates: claims that environments add to users' access tokens.

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

/// Sets an environment's template, replacing any previous one.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, content: &str, now: Timestamp) -> Result<()> {
    tx.execute(SET, &[environment_id.into(), content.into(), now.into()]).await?;
    Ok(())
}

/// Deletes an environment's template; `false` if it has none.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into()]).await? == 1)
}

/// Returns an environment's template.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Option<JwtTemplate>> {
    query.query_opt(FIND, &[environment_id.into()]).await?.as_ref().map(read).transpose()
}
