//! What people are to choose who were signed in elsewhere, as long as that session lasts (Standalone Connect).

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, SessionId};
use countersign_protocol::model::ConsentOption;

statements! {
    SET = "INSERT INTO session_consent_options (environment_id, session_id, consent_options) VALUES ($1, $2, $3) ",
        "ON CONFLICT (environment_id, session_id) DO UPDATE SET consent_options = excluded.consent_options";
    FIND = "SELECT consent_options FROM session_consent_options WHERE environment_id = $1 AND session_id = $2";
}

/// Stores what is to be chosen in a session, as JSON, in place of what was before.
///
/// # Errors
/// `ForeignKey` when the session has gone meanwhile.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, id: SessionId, options: &str) -> Result<()> {
    tx.execute(SET, &[environment_id.into(), id.into(), options.into()]).await?;
    Ok(())
}

/// What is to be chosen in a session; often nothing.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: SessionId) -> Result<Vec<ConsentOption>> {
    match query.query_opt(FIND, &[environment_id.into(), id.into()]).await? {
        Some(row) => row.json(0),
        None => Ok(Vec::new()),
    }
}
