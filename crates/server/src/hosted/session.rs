//! Who is signed in in this browser: one session per environment, for all applications.

use super::authorize;
use super::flow::{FirstProof, Flow, ProvenBy};
use super::page::{PageError, redirect};
use crate::domain::users::address_proof;
use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::users::password_check::Tries;
use crate::domain::users::second_factors;
use crate::domain::users::second_factors::Need;
use crate::domain::{Act, Failure, sessions};
use crate::entropy::{Entropy, NoEntropy};
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::UserId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{
    Actor, Authentication, AuthenticationMethod, Completed, ConsentOption, LoginUri, Session, User,
};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, session, session_login, user};
use http::header::{SET_COOKIE, USER_AGENT};

/// The account has changed while somebody signed in.
const CHANGED: &str = "account_changed";
/// How often use of a session is noted, in seconds.
const NOTED: i64 = 60;

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct Current {
    /// The session.
    pub session: Session,
    /// The person.
    pub user: User,
    /// What they are to choose: the login at which they have signed in elsewhere has said so.
    pub options: Vec<ConsentOption>,
}

/// Who is signed in in the browser that calls.
///
/// # Errors
/// Database errors.
pub async fn current(call: &PageCall) -> Result<Option<Current>, PageError> {
    let Some(value) = Cookie::Session.read(&call.headers, &call.environment.environment.issuer) else {
        return Ok(None);
    };
    let digest = call.app.keyring.session.digest(&value);
    let environment_id = call.environment.id();
    let now = call.app.clock.now();
    let mut reader = call.app.store.reader().await?;
    let found = session::find_by_digest(&mut reader, environment_id, &digest).await?;
    let Some(session) = found.filter(|session| session.is_live(call.environment.environment.sessions, now)) else {
        return Ok(None);
    };
    let Some(user) = user::find(&mut reader, environment_id, session.user_id).await? else { return Ok(None) };
    drop(reader);
    if now >= session.last_seen_at.plus_secs(NOTED) {
        let id = session.id;
        call.app
            .store
            .note::<(), Failure, _>(move |tx| {
                Box::pin(async move { Ok(session::seen(tx, environment_id, id, now).await?) })
            })
            .await?;
    }
    Ok(Some(Current { session, user, options: Vec::new() }))
}

/// Who is signed in, where people sign in here: whoever has a second factor, or needs one, has not shown it at the company's own
/// login, and signs in once more.
///
/// # Errors
/// Database errors.
pub async fn current_here(call: &PageCall) -> Result<Option<Current>, PageError> {
    match current(call).await? {
        Some(current) => counts_here(call, current).await,
        None => Ok(None),
    }
}

/// The same, of whom is known already.
///
/// # Errors
/// Database errors.
pub async fn counts_here(call: &PageCall, current: Current) -> Result<Option<Current>, PageError> {
    if current.session.authentication_method.is_here() {
        return Ok(Some(current));
    }
    let need = second_factors::need(&mut call.app.store.reader().await?, &act(call), current.user.id).await?;
    Ok((need == Need::Nothing).then_some(current))
}

/// Who is signed in, as far as programs are told of them: only with an address that is proven. Where the company has given the
/// account another one since, the session goes on, and whoever asks next has the person sign in and prove it.
///
/// # Errors
/// Database errors.
pub async fn current_with_address(call: &PageCall) -> Result<Option<Current>, PageError> {
    Ok(current_here(call).await?.filter(|current| current.user.email_verified))
}

/// The address that whoever is signed in has to prove before programs are told of them.
///
/// # Errors
/// Database errors.
pub async fn address_to_prove(call: &PageCall) -> Result<Option<String>, PageError> {
    let current = current(call).await?.filter(|current| !current.user.email_verified);
    Ok(current.map(|current| current.user.email))
}

/// What a proof says of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecondFactor {
    /// Nothing: no session begins for whoever needs one.
    Missing,
    /// A code was right.
    Shown,
    /// Whoever made the proof answers for it: the company's own login, the operator.
    Elsewhere,
}

/// A proof that a person is who they are, made by the step that has checked it, in this call.
#[derive(Debug)]
pub struct Proven {
    user_id: UserId,
    method: AuthenticationMethod,
    /// What the account was like when that was proven: nobody signs in with what was proven before its password changed.
    likeness: Option<String>,
    /// What is known of a second factor.
    second_factor: SecondFactor,
    /// The login elsewhere, and what it has said that they are to choose, as JSON.
    elsewhere: Option<(LoginUri, Option<String>)>,
}

impl Proven {
    /// The password was right, passwords count here, and the address of the account is proven.
    pub(super) fn by_password(allowed: Authentication, user: &User, likeness: &str) -> Option<Self> {
        let proven =
            || Self { likeness: Some(likeness.to_owned()), ..Self::here(user.id, AuthenticationMethod::Password) };
        (allowed.password && user.email_verified).then(proven)
    }

    /// A code sent to the account's address was right, and codes count here.
    pub(super) fn by_code(allowed: Authentication, user_id: UserId) -> Option<Self> {
        allowed.magic_auth.then(|| Self::here(user_id, AuthenticationMethod::MagicAuth))
    }

    /// A code sent to the address was right after the password was, and passwords count here.
    pub(super) fn by_password_and_code(allowed: Authentication, user_id: UserId) -> Option<Self> {
        allowed.password.then(|| Self::here(user_id, AuthenticationMethod::Password))
    }

    /// The same, of an account that is like this: see [`address_proof::likeness`].
    pub(super) fn of_account_like(self, likeness: Option<String>) -> Self {
        Self { likeness, ..self }
    }

    /// What a code of a second factor is asked for: the proof that came before it, with what the account was like. `None` for
    /// proofs that need none.
    pub(super) fn first(&self, entropy: &Entropy, now: Timestamp) -> Result<Option<FirstProof>, NoEntropy> {
        let by = match self.method {
            AuthenticationMethod::Password => ProvenBy::Password,
            AuthenticationMethod::MagicAuth => ProvenBy::Code,
            AuthenticationMethod::ExternalAuth | AuthenticationMethod::Link => return Ok(None),
        };
        let Some(likeness) = self.likeness.clone() else { return Ok(None) };
        let id = URL_SAFE_NO_PAD.encode(entropy.bytes::<16>()?);
        Ok(Some(FirstProof { id, made_at: now.as_millis(), user_id: self.user_id, by, likeness }))
    }

    /// A code of a second factor was right, after this, which still counts here.
    pub(super) fn with_second_factor(allowed: Authentication, first: FirstProof) -> Option<Self> {
        let (counts, method) = match first.by {
            ProvenBy::Password => (allowed.password, AuthenticationMethod::Password),
            ProvenBy::Code => (allowed.magic_auth, AuthenticationMethod::MagicAuth),
        };
        let shown = || Self {
            likeness: Some(first.likeness),
            second_factor: SecondFactor::Shown,
            ..Self::here(first.user_id, method)
        };
        counts.then(shown)
    }

    /// A link into the dashboard was used up, and has made the account. The public API has no event for that: the audit log
    /// tells of it.
    pub(crate) fn by_staff_link(user_id: UserId) -> Self {
        Self { second_factor: SecondFactor::Elsewhere, ..Self::here(user_id, AuthenticationMethod::Link) }
    }

    /// The company's own login has said who it was, and the browser that was sent there has come back.
    pub(super) fn elsewhere(completed: Completed, login_uri: LoginUri) -> Self {
        let Completed { user_id, consent_options } = completed;
        let elsewhere = Some((login_uri, consent_options));
        let second_factor = SecondFactor::Elsewhere;
        Self { elsewhere, second_factor, ..Self::here(user_id, AuthenticationMethod::ExternalAuth) }
    }

    /// Who it is.
    pub(super) fn user_id(&self) -> UserId {
        self.user_id
    }

    fn here(user_id: UserId, method: AuthenticationMethod) -> Self {
        Self { user_id, method, likeness: None, second_factor: SecondFactor::Missing, elsewhere: None }
    }
}

/// Starts a session for a proven person, forgets the tries that led there, and goes on with the flow. A session of somebody
/// else that the browser had ends; one of the same person goes on, under a new cookie.
///
/// # Errors
/// Database errors.
pub async fn start(call: &PageCall, proven: Proven, tries: Option<Tries>, flow: Flow) -> Result<Reply, PageError> {
    let value = URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<32>()?);
    let issuer = &call.environment.environment.issuer;
    let before = Cookie::Session.read(&call.headers, issuer).map(|old| call.app.keyring.session.digest(&old));
    let act = act(call);
    let lifetime = act.sessions.maximum_length;
    let client_info = client_info(call);
    let origin = sessions::Origin {
        method: proven.method,
        ip_address: client_info.ip_address.clone(),
        user_agent: client_info.user_agent.clone(),
        organization_id: None,
    };
    let found = user::find(&mut call.app.store.reader().await?, act.environment_id, proven.user_id).await?;
    // Nobody signs in to an account that has gone meanwhile.
    let user = found.ok_or(countersign_store::Error::ForeignKey)?;
    let session = sessions::new(&act, user.id, &origin)?;
    let digest = call.app.keyring.session.digest(&value);
    let is_new = before.is_none() && proven.elsewhere.is_none();
    let new = is_new.then(|| Current { session: session.clone(), user: user.clone(), options: Vec::new() });
    let mut session_start =
        Some(SessionStart { act, tries, proven, before, client_info, origin, digest, user, session });
    // Session and code are made together where they can be: each commit waits for the disk.
    let onward = match new {
        Some(new) => Box::pin(authorize::go_on_as(call, &flow, new, &mut session_start))
            .await
            .map_err(|stop| too_late(stop, &flow))?,
        None => None,
    };
    if let Some(session_start) = session_start {
        let begun = call.app.store.write::<(), Failure, _>(move |tx| Box::pin(session_start.run(tx)));
        begun.await.map_err(|failure| too_late(failure.into(), &flow))?;
    }
    let reply = match onward {
        Some(reply) => reply,
        None => redirect(&flow.resume(call))?,
    };
    Ok(match Cookie::Session.set(&value, lifetime, issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}

/// The account is another one than that of which something was proven.
fn changed() -> ApiError {
    let message = "The account was changed while somebody signed in to it.".to_owned();
    ApiError::Conflict { code: CHANGED, message }
}

/// Who signed in to what has changed meanwhile begins anew.
fn too_late(stop: PageError, flow: &Flow) -> PageError {
    match stop {
        PageError::Failure(Failure::Refused(ApiError::Conflict { code: CHANGED, .. })) => flow.changed_meanwhile(),
        stop => stop,
    }
}

/// A session that is about to begin, for a person who is proven.
#[derive(Debug)]
pub struct SessionStart {
    act: Act,
    tries: Option<Tries>,
    proven: Proven,
    /// Of the session that the browser had.
    before: Option<Digest>,
    client_info: ClientInfo,
    origin: sessions::Origin,
    digest: Digest,
    user: User,
    session: Session,
}

impl SessionStart {
    /// Begins it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn run(self, tx: &mut Tx) -> Result<(), Failure> {
        let Self { act, tries, proven, before, client_info, origin, digest, user, session } = self;
        // First, because it locks the account: whoever gives it another password ends this session as well, or was here before.
        user::signed_in(tx, act.environment_id, user.id, act.now).await?;
        if let Some(likeness) = &proven.likeness
            && !address_proof::is_like(tx, &act, user.id, likeness).await?
        {
            return Err(Failure::Refused(changed()));
        }
        // Somebody may have set one up meanwhile.
        if proven.second_factor == SecondFactor::Missing
            && second_factors::need(tx, &act, user.id).await? != Need::Nothing
        {
            return Err(Failure::Refused(changed()));
        }
        if let Some(tries) = tries {
            tries.forget(tx, &act).await?;
        }
        if let Some(proof) = Proof::of_session(proven.method) {
            authentications::succeeded(tx, &act, proof, &client_info, &user).await?;
        }
        let mut session_id = None;
        if let Some(before) = before
            && let Some(found) = session::find_by_digest(tx, act.environment_id, &before).await?
            && found.is_live(act.sessions, act.now)
        {
            if found.user_id == proven.user_id {
                let id = found.id;
                session_id = sessions::renew(tx, &act, found, &origin, &digest).await?.then_some(id);
            } else {
                sessions::end(tx, &act, found.id).await?;
            }
        }
        let session_id = match session_id {
            Some(id) => id,
            None => {
                sessions::keep(tx, &act, &session, Some(&digest)).await?;
                session.id
            }
        };
        if let Some((login_uri, options)) = &proven.elsewhere {
            let login = (login_uri, options.as_deref());
            session_login::set(tx, act.environment_id, session_id, login, act.now).await?;
        }
        Ok(())
    }
}

/// From where somebody signs in.
pub fn client_info(call: &PageCall) -> ClientInfo {
    let user_agent = call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    ClientInfo {
        ip_address: Some(call.peer.address.to_string()),
        user_agent: user_agent.map(|text| text.chars().take(400).collect()),
    }
}

/// Ends the session of the browser that calls.
///
/// # Errors
/// Database errors.
pub async fn end(call: &PageCall, reply: Reply) -> Result<Reply, PageError> {
    let issuer = &call.environment.environment.issuer;
    if let Some(value) = Cookie::Session.read(&call.headers, issuer) {
        let digest = call.app.keyring.session.digest(&value);
        let act = act(call);
        call.app
            .store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move { sessions::end_by_digest(tx, &act, &digest).await.map(drop) })
            })
            .await?;
    }
    Ok(match Cookie::Session.remove(issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    })
}

/// What acts of this call need.
pub fn act(call: &PageCall) -> Act {
    Act::new(&call.environment.environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring)
}
