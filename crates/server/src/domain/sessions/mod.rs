//! User sessions.

pub mod backchannel_logout;
pub mod everywhere;
pub mod families;

use crate::domain::{Act, Failure, events};
use countersign_protocol::id::{OrganizationId, SessionId, UserId};
use countersign_protocol::model::{AuthenticationMethod, Session};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, logout_notice, session, user};
use serde_json::{Value, json};

/// The origin of a session.
#[derive(Debug, Clone)]
pub struct Origin {
    /// How the user authenticated.
    pub method: AuthenticationMethod,
    /// The client's IP address, if known.
    pub ip_address: Option<String>,
    /// The browser's user agent.
    pub user_agent: Option<String>,
    /// The organization that the session starts in.
    pub organization_id: Option<OrganizationId>,
}

/// Whether a session is live.
pub fn is_live(act: &Act, session: &Session) -> bool {
    session.is_live(act.sessions, act.now)
}

/// When a session used now expires if it is not used again.
pub fn idle_until(act: &Act, session: &Session) -> Timestamp {
    act.now.plus_secs(act.sessions.inactivity_timeout).min(session.expires_at)
}

/// A session as returned by the API.
pub fn session_view(session: &Session) -> Value {
    let mut view = json!({
        "object": "session",
        "id": session.id,
        "user_id": session.user_id,
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
        "auth_method": session.authentication_method.of_session(),
        "status": if session.ended_at.is_some() { "revoked" } else { "active" },
        "expires_at": session.expires_at.to_string(),
        "ended_at": session.ended_at.map(|at| at.to_string()),
        "created_at": session.created_at.to_string(),
        "updated_at": session.updated_at.to_string(),
    });
    // Omitted, not null, if there is none.
    if let Some(id) = session.organization_id {
        view["organization_id"] = json!(id);
    }
    view
}

/// A new session that begins now, not stored until it is [`keep`]t.
///
/// # Errors
/// If random bytes cannot be obtained.
pub fn new(act: &Act, user_id: UserId, origin: &Origin) -> Result<Session, Failure> {
    Ok(Session {
        id: act.entropy.id(act.now)?,
        user_id,
        organization_id: origin.organization_id,
        authentication_method: origin.method,
        ip_address: origin.ip_address.clone(),
        user_agent: origin.user_agent.clone().filter(|text| !text.is_empty()),
        authenticated_at: act.now,
        last_seen_at: act.now,
        expires_at: act.now.plus_secs(act.sessions.maximum_length),
        ended_at: None,
        created_at: act.now,
        updated_at: act.now,
    })
}

/// Stores a new session; a browser session has the digest of its cookie. The caller has already recorded the sign-in,
/// which locks the account.
///
/// # Errors
/// Database errors.
pub async fn keep(tx: &mut Tx, act: &Act, new: &Session, token_digest: Option<&Digest>) -> Result<(), Failure> {
    session::insert(tx, act.environment_id, new, token_digest).await?;
    events::record(tx, act, "session.created", new.organization_id, &session_view(new)).await
}

/// Starts a session without a browser cookie.
///
/// # Errors
/// Database errors.
pub async fn start(tx: &mut Tx, act: &Act, user_id: UserId, origin: &Origin) -> Result<Session, Failure> {
    let made = new(act, user_id, origin)?;
    user::signed_in(tx, act.environment_id, user_id, act.now).await?;
    keep(tx, act, &made, None).await?;
    Ok(made)
}

/// Ends a session. Returns `false` if there was no live one to end: an expired session was already over, and is not
/// revoked.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, act: &Act, id: SessionId) -> Result<bool, Failure> {
    let Some(found) = session::find(tx, act.environment_id, id).await? else { return Ok(false) };
    let was_live = is_live(act, &found);
    if !session::end(tx, act.environment_id, id, act.now).await? {
        return Ok(false);
    }
    // Applications may still hold a session that has expired here.
    logout_notice::of_ended(tx, act.environment_id, found.user_id, act.now).await?;
    tell(tx, act, &[Session { ended_at: Some(act.now), updated_at: act.now, ..found }]).await?;
    Ok(was_live)
}

/// Ends every session of a user.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    let ended = session::end_all(tx, act.environment_id, user_id, act.now).await?;
    logout_notice::of_ended(tx, act.environment_id, user_id, act.now).await?;
    tell(tx, act, &ended).await
}

/// Records `session.revoked` for ended sessions, except those that had already expired.
async fn tell(tx: &mut Tx, act: &Act, ended: &[Session]) -> Result<(), Failure> {
    for session in ended {
        if is_live(act, &Session { ended_at: None, ..session.clone() }) {
            events::record(tx, act, "session.revoked", session.organization_id, &session_view(session)).await?;
        }
    }
    Ok(())
}

/// Ends a user's sessions in an organization.
///
/// # Errors
/// Database errors.
pub async fn end_in_organization(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<(), Failure> {
    let ended = session::end_in_organization(tx, act.environment_id, user_id, organization_id, act.now).await?;
    logout_notice::of_ended(tx, act.environment_id, user_id, act.now).await?;
    tell(tx, act, &ended).await
}

/// Continues a browser's session under a new cookie after its user has authenticated again, which the caller has
/// recorded. Returns `false` if it has ended. Applications signed in to with it stay signed in. If the user
/// authenticated here before and through another provider now, the session keeps its method, authentication time and
/// expiry.
///
/// # Errors
/// Database errors.
pub async fn renew(
    tx: &mut Tx,
    act: &Act,
    session: Session,
    origin: &Origin,
    token_digest: &Digest,
) -> Result<bool, Failure> {
    let stays = session.authentication_method.is_here() && !origin.method.is_here();
    let used = Session {
        ip_address: origin.ip_address.clone(),
        user_agent: origin.user_agent.clone().filter(|text| !text.is_empty()),
        last_seen_at: act.now,
        updated_at: act.now,
        ..session
    };
    let renewed = if stays {
        used
    } else {
        Session {
            authentication_method: origin.method,
            authenticated_at: act.now,
            expires_at: act.now.plus_secs(act.sessions.maximum_length),
            ..used
        }
    };
    Ok(session::renew(tx, act.environment_id, &renewed, Some(token_digest)).await?)
}

/// Ends the session with this cookie digest, and returns it, if there is one.
///
/// # Errors
/// Database errors.
pub async fn end_by_digest(tx: &mut Tx, act: &Act, digest: &Digest) -> Result<Option<Session>, Failure> {
    let found = session::find_by_digest(tx, act.environment_id, digest).await?;
    if let Some(found) = &found {
        end(tx, act, found.id).await?;
    }
    Ok(found)
}
