//! `grant_type=authorization_code`: a code hands over the session in which it was issued, once, on whatever node it
//! arrives.

use crate::domain::sessions::families::{self, CODE_REUSED};
use crate::domain::{Act, Failure, sessions};
use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, sign_in, tokens};
use countersign_protocol::id::SessionFamilyId;
use countersign_protocol::model::{Session, SessionCode, SessionFamily, User};
use countersign_protocol::user_management::code::{self, redeem, rejection};
use countersign_store::{Tx, membership, session, session_code, session_family, user};

/// What became of a code.
enum Outcome {
    /// It was redeemed.
    Redeemed(Box<(User, Session, SessionFamily)>),
    /// Somebody has redeemed it before.
    Replayed(SessionFamilyId),
}

/// Redeems a code.
///
/// # Errors
/// `invalid_grant`; `invalid_client` for who shows neither secret nor verifier.
pub async fn answer(
    asking: &Asking<'_>,
    code: &str,
    (code_verifier, redirect_uri): (Option<&str>, Option<&str>),
    invitation_token: Option<&str>,
) -> Result<Reply, Refused> {
    let (app, act) = (&asking.call.app, asking.act());
    let digest = app.keyring.session_code.digest(code);
    let mut reader = app.store.reader().await?;
    let code = session_code::find(&mut reader, act.environment_id, &digest).await?.ok_or_else(rejection)?;
    drop(reader);
    match redeem(&code, (code_verifier, redirect_uri), asking.secret_proven, act.now) {
        Ok(()) => {}
        Err(code::Refused::Wrong(error)) => return Err(error.into()),
        Err(code::Refused::Replayed(family_id)) => return Err(end(asking, family_id).await),
    }
    // What tokens will say is loaded before the code is spent: it is good for another try when that fails.
    let mut reader = app.store.reader().await?;
    let found = session::find(&mut reader, act.environment_id, code.session_id).await?.ok_or_else(rejection)?;
    let person = user::find(&mut reader, act.environment_id, found.user_id).await?.ok_or_else(rejection)?;
    drop(reader);
    let authorized_for = code.organization_id;
    let holder = tokens::Holder::load(asking, &person, authorized_for).await?;
    let invitation_token = invitation_token.map(str::to_owned);
    let outcome = app.store.write::<Outcome, Refused, _>(move |tx| {
        Box::pin(async move { hand_over(tx, &act, code, invitation_token).await })
    });
    match outcome.await? {
        Outcome::Redeemed(made) => {
            let (user, session, family) = *made;
            app.catch_up().await;
            // An invitation may have led elsewhere.
            let holder = if family.organization_id == authorized_for {
                holder
            } else {
                tokens::Holder::load(asking, &user, family.organization_id).await?
            };
            tokens::issue(asking, holder, &user, &session, &family)
        }
        // Somebody else was faster by a moment: the same code twice, so both go without.
        Outcome::Replayed(family_id) => Err(end(asking, family_id).await),
    }
}

/// Ends what a code has led to that came a second time.
async fn end(asking: &Asking<'_>, family_id: SessionFamilyId) -> Refused {
    let act = asking.act();
    let ended = asking.call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { families::end_reused(tx, &act, CODE_REUSED, family_id).await })
    });
    match ended.await {
        Ok(()) => rejection().into(),
        Err(failure) => failure.into(),
    }
}

async fn hand_over(
    tx: &mut Tx,
    act: &Act,
    code: SessionCode,
    invitation_token: Option<String>,
) -> Result<Outcome, Refused> {
    // What is true now is what counts, not what was when the code was issued.
    let session = session::find(tx, act.environment_id, code.session_id).await?;
    let session = session.filter(|session| sessions::is_live(act, session)).ok_or_else(rejection)?;
    user::lock(tx, act.environment_id, session.user_id).await?;
    let user = user::find(tx, act.environment_id, session.user_id).await?.ok_or_else(rejection)?;
    let mut organization_id = code.organization_id;
    if let Some(token) = invitation_token {
        let invitation = sign_in::open_invitation(tx, act, &token).await?;
        organization_id = sign_in::follow(tx, act, invitation, &user).await?.or(organization_id);
    }
    if let Some(id) = organization_id
        && !membership::hold(tx, act.environment_id, user.id, id).await?
    {
        return Err(rejection().into());
    }
    // Whoever ends the session from now on ends what is issued here as well.
    if !session::hold(tx, act.environment_id, session.id).await? {
        return Err(rejection().into());
    }
    let family = families::begin(act, &session, organization_id)?;
    if !session_code::spend(tx, act.environment_id, &code.digest, family.id).await? {
        let code = session_code::find(tx, act.environment_id, &code.digest).await?;
        return code.and_then(|code| code.family_id).map(Outcome::Replayed).ok_or_else(|| rejection().into());
    }
    session_family::insert(tx, act.environment_id, &family).await?;
    Ok(Outcome::Redeemed(Box::new((user, session, family))))
}
