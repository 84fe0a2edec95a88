//! Refresh token families of sessions: how they begin and end.

use crate::domain::{Act, Failure, events, sessions};
use countersign_protocol::id::{OrganizationId, SessionFamilyId};
use countersign_protocol::model::{Session, SessionFamily};
use countersign_store::{Tx, session, session_family};
use serde_json::json;

/// The event for an authorization code presented a second time.
pub const CODE_REUSED: &str = "session.authorization_code_reused";
/// The event for a refresh token presented long after it was spent.
pub const TOKEN_REUSED: &str = "session.refresh_token_reused";

/// A new family that begins now.
///
/// # Errors
/// If random bytes cannot be obtained.
pub fn begin(act: &Act, session: &Session, organization_id: Option<OrganizationId>) -> Result<SessionFamily, Failure> {
    Ok(SessionFamily {
        id: act.entropy.id(act.now)?,
        session_id: session.id,
        organization_id,
        generation: 1,
        rotated_at: act.now,
        idle_expires_at: sessions::idle_until(act, session),
        ended_at: None,
        created_at: act.now,
    })
}

/// Ends the family of a refresh token or code that was presented a second time, and records an event.
///
/// # Errors
/// Database errors.
pub async fn end_reused(tx: &mut Tx, act: &Act, event: &'static str, id: SessionFamilyId) -> Result<(), Failure> {
    if !session_family::end(tx, act.environment_id, id, act.now).await? {
        return Ok(());
    }
    let Some(family) = session_family::find(tx, act.environment_id, id).await? else { return Ok(()) };
    let Some(session) = session::find(tx, act.environment_id, family.session_id).await? else { return Ok(()) };
    let data = json!({
        "object": "session_family",
        "id": id,
        "session_id": session.id,
        "user_id": session.user_id,
        "organization_id": family.organization_id,
    });
    events::record(tx, act, event, family.organization_id, &data).await
}
