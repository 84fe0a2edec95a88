//! External sign-ins within a session, kept as long as the session (Standalone Connect).

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, SessionId};
use countersign_protocol::model::{LoginUri, SessionLogin};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO session_login (environment_id, session_id, login_uri, authenticated_at, consent_options) VALUES ($1, $2, $3, $4, $5) ",
        "ON CONFLICT (environment_id, session_id, login_uri) DO UPDATE SET authenticated_at = excluded.authenticated_at, ",
        "consent_options = COALESCE(excluded.consent_options, session_login.consent_options)";
    FIND = "SELECT authenticated_at, consent_options FROM session_login WHERE environment_id = $1 AND session_id = $2 AND login_uri = $3";
}

/// Records a sign-in at a login URI, with its consent options as JSON; without them, the previous ones stay.
///
/// # Errors
/// `ForeignKey` if the session has since been deleted.
pub async fn set(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: SessionId,
    (login_uri, consent_options): (&LoginUri, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    let params = [environment_id.into(), id.into(), login_uri.as_str().into(), now.into(), consent_options.into()];
    tx.execute(SET, &params).await?;
    Ok(())
}

/// Returns a session's sign-in at this login URI.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: SessionId,
    login_uri: &LoginUri,
) -> Result<Option<SessionLogin>> {
    let params = [environment_id.into(), id.into(), login_uri.as_str().into()];
    let Some(row) = query.query_opt(FIND, &params).await? else { return Ok(None) };
    let consent_options = if row.opt_text(1)?.is_some() { Some(row.json(1)?) } else { None };
    Ok(Some(SessionLogin { authenticated_at: row.timestamp(0)?, consent_options }))
}
