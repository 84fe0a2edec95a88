//! `grant_type=refresh_token`: one conditional write per rotation, none for the retry of the last one. Who the person is,
//! and what they may do, is read anew each time.

use super::organization_selection::read;
use crate::domain::sessions::families::{self, TOKEN_REUSED};
use crate::domain::{Act, Failure, sessions};
use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, tokens};
use countersign_protocol::id::{OrganizationId, SessionFamilyId};
use countersign_protocol::model::{Session, SessionFamily};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::user_management::error::AuthenticateError;
use countersign_protocol::user_management::refresh::{self, Rotation, rejection, rotate};
use countersign_store::{membership, session, session_family, user};

/// How often a rotation that somebody else was faster with is looked at again; the second look answers it as a retry.
const LOOKS: usize = 3;

/// Rotates a refresh token, and goes on in another organization when one is named.
///
/// # Errors
/// `invalid_grant`; `organization_membership_not_found`, `invalid_organization_id`.
pub async fn answer(asking: &Asking<'_>, refresh_token: &str, organization_id: Option<&str>) -> Result<Reply, Refused> {
    let (app, environment_id) = (&asking.call.app, asking.call.environment.id());
    let token: RefreshToken<SessionFamilyId> =
        RefreshToken::read(refresh_token, &app.keyring.session_refresh_token, environment_id).ok_or_else(rejection)?;
    let wanted = organization_id.map(read).transpose()?;
    for _ in 0..LOOKS {
        let act = asking.act();
        let mut reader = app.store.reader().await?;
        let family = session_family::find(&mut reader, environment_id, token.family_id).await?.ok_or_else(rejection)?;
        let session = session::find(&mut reader, environment_id, family.session_id).await?;
        let session = session.filter(|session| sessions::is_live(&act, session)).ok_or_else(rejection)?;
        let rotation = match rotate(&family, token.generation, act.now) {
            Ok(rotation) => rotation,
            Err(refresh::Refused::Wrong) => return Err(rejection().into()),
            Err(refresh::Refused::Reused) => {
                drop(reader);
                return Err(end(asking, family.id).await);
            }
        };
        let user = user::find(&mut reader, environment_id, session.user_id).await?.ok_or_else(rejection)?;
        let organization_id = wanted.or(family.organization_id);
        if let Some(id) = organization_id
            && !membership::is_active(&mut reader, environment_id, user.id, id).await?
        {
            let of_their_own = wanted.is_none();
            return Err(if of_their_own { rejection() } else { AuthenticateError::not_a_member() }.into());
        }
        drop(reader);
        // Before anything is spent: a token is good for another try when its successor cannot be issued.
        let holder = tokens::Holder::load(asking, &user, organization_id).await?;
        if keep(asking, act, &session, &family, rotation, organization_id).await? {
            let next = SessionFamily { generation: rotation.generation, organization_id, ..family };
            return tokens::issue(asking, holder, &user, &session, &next);
        }
    }
    Err(rejection().into())
}

/// Keeps what a refresh changes; `false` when somebody else was faster.
async fn keep(
    asking: &Asking<'_>,
    act: Act,
    session: &Session,
    family: &SessionFamily,
    rotation: Rotation,
    organization_id: Option<OrganizationId>,
) -> Result<bool, Failure> {
    let moves = organization_id != family.organization_id;
    if rotation.repeated && !moves {
        return Ok(true);
    }
    let (session, family) = (session.clone(), family.clone());
    let kept = asking.call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            // A session comes to no organization that is being left at this moment; the next look says so.
            if let Some(id) = organization_id.filter(|_| moves)
                && !membership::hold(tx, act.environment_id, session.user_id, id).await?
            {
                return Ok(false);
            }
            // The session before its family: so does whoever ends it, and neither waits for the other for ever.
            if !session::hold(tx, act.environment_id, session.id).await? {
                return Ok(false);
            }
            let kept = if rotation.repeated {
                session_family::switch(tx, act.environment_id, &family, organization_id).await?
            } else {
                let moments = (act.now, sessions::idle_until(&act, &session));
                session_family::rotate(tx, act.environment_id, &family, organization_id, moments).await?
            };
            if let Some(id) = organization_id.filter(|id| kept && moves && session.organization_id != Some(*id)) {
                session::choose_organization(tx, act.environment_id, session.id, id, act.now).await?;
            }
            if kept {
                session::seen(tx, act.environment_id, session.id, act.now).await?;
            }
            Ok(kept)
        })
    });
    kept.await
}

async fn end(asking: &Asking<'_>, family_id: SessionFamilyId) -> Refused {
    let act = asking.act();
    let ended = asking.call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { families::end_reused(tx, &act, TOKEN_REUSED, family_id).await })
    });
    match ended.await {
        Ok(()) => rejection().into(),
        Err(failure) => failure.into(),
    }
}
