//! The second factor: asked for after the first proof, set up there where everybody needs one, and by people themselves from
//! their account. Nothing is kept of one before its first right code: until then the browser carries its secret, sealed.

use super::flow::{FirstProof, Flow, Target};
use super::login_uri;
use super::page::{Carried, PageError, branding, frame, language, moment, redirect, reply};
use super::session::{self, Current, Proven};
use super::sign_in::allowed;
use crate::domain::attempts::{self, Limit};
use crate::domain::users::address_proof;
use crate::domain::users::mailed_codes::Refused;
use crate::domain::users::password_check::Tries;
use crate::domain::users::second_factors::{self, Need, NewFactor};
use crate::domain::{Act, Failure, mails};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::images::qr_code;
use countersign_pages::{Language, Problem, RemoveSecondFactor, SecondFactor, SetUpSecondFactor};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::User;
use countersign_protocol::second_factor::{enrolment, totp};
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, authentication_factor, user};
use http::StatusCode;

/// Longest code that is looked at, with what people put between the digits.
const MAX_CODE_LENGTH: usize = 32;
/// How long ago somebody has signed in who sets one up without doing so again, in seconds.
const FRESH: i64 = 10 * 60;
/// For how long the first proof counts, in seconds: to find the application, or to get one.
const FIRST_PROOF: i64 = 20 * 60;
/// A first proof leads to one session: who finds its page in the browser's history finds nothing that it is good for. This is
/// why not.
const USED: &str = "first_proof_used";
/// See [`USED`].
const ONCE: Limit = Limit::new("first proof", 1, 2 * FIRST_PROOF);
/// The page on which a code is asked for, or one is set up, on the way.
const PATH: &str = "/sign-in/second-factor";
/// The page on which people set one up by themselves, or remove it.
const OF_ACCOUNT: &str = "/account/second-factor";

/// Goes on after the first proof: with a session, or with the question for the second factor.
///
/// # Errors
/// Database errors.
pub async fn go_on(call: &PageCall, proven: Proven, tries: Option<Tries>, mut flow: Flow) -> Result<Reply, PageError> {
    // Of a sign-in that this flow has been used for before, nothing is left.
    (flow.first_proof, flow.factor_secret) = (None, None);
    let act = session::act(call);
    let Some(first) = proven.first(&act.entropy, act.now)? else {
        return session::start(call, proven, tries, flow).await;
    };
    let need = second_factors::need(&mut call.app.store.reader().await?, &act, first.user_id).await?;
    flow.factor_secret = match need {
        Need::Nothing => return session::start(call, proven, tries, flow).await,
        Need::Code(_) => None,
        Need::Enrolment => Some(enrolment::to_text(&second_factors::new_secret(&act)?)),
    };
    if let Some(tries) = tries {
        tries.forget_now(&call.app.store, &act).await?;
    }
    (flow.first_proof, flow.challenge) = (Some(first), None);
    redirect(&flow.link(call, PATH))
}

/// The first proof of a flow, and whose it is.
///
/// # Errors
/// A page when there is none, when it is too old, and when the account has gone.
async fn first_proof(call: &PageCall, flow: &Flow) -> Result<(FirstProof, User), PageError> {
    let first = flow.first_proof.clone().ok_or_else(PageError::flow)?;
    if call.app.clock.now() >= Timestamp::from_millis(first.made_at).plus_secs(FIRST_PROOF) {
        return Err(flow.took_too_long());
    }
    let found = user::find(&mut call.app.store.reader().await?, call.environment.id(), first.user_id).await?;
    Ok((first, found.ok_or_else(|| flow.changed_meanwhile())?))
}

/// What an application is to call the product and the account.
fn new_factor(act: &Act, user: &User) -> NewFactor {
    NewFactor { user_id: Some(user.id), issuer: act.product.clone(), account: user.email.clone() }
}

/// Shows the page for the code, or, with a secret in the flow, how one is set up.
fn show(
    call: &PageCall,
    flow: &Flow,
    (user, action): (&User, &str),
    status: StatusCode,
    problem: Option<Problem>,
) -> Result<Reply, PageError> {
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let (frame, form) = (frame(call, &branding), carried.form(action, problem));
    let Some(text) = &flow.factor_secret else {
        let restart = carried.link("/sign-in");
        let page = SecondFactor { frame, form, email: &user.email, restart: &restart };
        return Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()));
    };
    let secret = enrolment::from_text(text).ok_or_else(PageError::flow)?;
    let new = new_factor(&session::act(call), user);
    let uri = enrolment::uri(&new.issuer, &new.account, &secret);
    let picture = qr_code::picture(&uri)?;
    let groups: Vec<&str> =
        (0..text.len()).step_by(4).filter_map(|at| text.get(at..(at + 4).min(text.len()))).collect();
    let page = SetUpSecondFactor {
        frame,
        form,
        email: &user.email,
        required: flow.first_proof.is_some(),
        picture: &picture,
        uri: &uri,
        secret: &groups.join(" "),
        back: flow.first_proof.is_none().then_some("/account"),
    };
    Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()))
}

fn problem_of(act: &Act, refused: Refused) -> (StatusCode, Problem) {
    match refused {
        Refused::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, Problem::CodeWrong),
        Refused::Used | Refused::Expired => (StatusCode::UNPROCESSABLE_ENTITY, Problem::CodeUsed),
        Refused::TooMany { again_at } => {
            let minutes = attempts::minutes_until(act, again_at);
            (StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts { minutes })
        }
    }
}

/// `GET /sign-in/second-factor`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let flow = Flow::carried(call, query.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let (_, user) = first_proof(call, &flow).await?;
    // The secret of one that has been set up meanwhile is shown to nobody any more.
    let need = second_factors::need(&mut call.app.store.reader().await?, &session::act(call), user.id).await?;
    match (need, &flow.factor_secret) {
        (Need::Code(_), None) | (Need::Enrolment, Some(_)) => show(call, &flow, (&user, PATH), StatusCode::OK, None),
        _ => Err(flow.changed_meanwhile()),
    }
}

/// What became of a code.
enum CodeCheck {
    Right,
    Refused(Refused),
    /// The account is not what it was, or the question is another one by now.
    Changed,
}

/// `POST /sign-in/second-factor`: a code of a factor, or the first code of the one that is being set up.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let (first, user) = first_proof(call, &flow).await?;
    let typed = form.get("code").unwrap_or("");
    match attempt(call, &flow, &user, &first, typed).await? {
        CodeCheck::Right => {}
        CodeCheck::Changed => return Err(flow.changed_meanwhile()),
        CodeCheck::Refused(refused) => {
            let (status, problem) = problem_of(&session::act(call), refused);
            return show(call, &flow, (&user, PATH), status, Some(problem));
        }
    }
    // How the first proof was made may be switched off by now.
    let proven = Proven::with_second_factor(allowed(call), first).ok_or_else(|| flow.changed_meanwhile())?;
    // Who has just set one up on the way to setting one up has done so.
    if flow.target == Target::SecondFactor && flow.factor_secret.is_some() {
        flow.target = Target::Account;
    }
    (flow.first_proof, flow.factor_secret) = (None, None);
    session::start(call, proven, None, flow).await
}

async fn attempt(
    call: &PageCall,
    flow: &Flow,
    user: &User,
    first: &FirstProof,
    typed: &str,
) -> Result<CodeCheck, PageError> {
    let (act, client_info, language) = (session::act(call), session::client_info(call), language(call));
    let (user, first) = (user.clone(), first.clone());
    let typed: String = typed.chars().take(MAX_CODE_LENGTH).collect();
    let secret = match &flow.factor_secret {
        Some(text) => Some(enrolment::from_text(text).ok_or_else(PageError::flow)?),
        None => None,
    };
    let tried = call.app.store.write::<CodeCheck, Failure, _>(move |tx| {
        Box::pin(async move {
            user::lock(tx, act.environment_id, user.id).await?;
            if !address_proof::is_like(tx, &act, user.id, &first.likeness).await? {
                return Ok(CodeCheck::Changed);
            }
            let outcome = match (second_factors::need(tx, &act, user.id).await?, &secret) {
                (Need::Code(factors), None) => {
                    second_factors::sign_in(tx, &act, &user, &factors, &typed, &client_info).await?.map(drop)
                }
                (Need::Enrolment, Some(secret)) => {
                    let from = client_info.ip_address.as_deref();
                    let outcome = set_up(tx, &act, &user, (secret, &typed), (from, language)).await?;
                    second_factors::tell(tx, &act, &user, &client_info, outcome).await?;
                    outcome
                }
                _ => return Ok(CodeCheck::Changed),
            };
            // Nothing is kept of what comes a second time, not even that the code was right.
            if outcome.is_ok() && attempts::count(tx, &act, ONCE, &first.id).await?.is_err() {
                return Err(Failure::conflict(USED, "The first proof has been used before."));
            }
            Ok(outcome.map_or_else(CodeCheck::Refused, |()| CodeCheck::Right))
        })
    });
    let tried = match tried.await {
        Err(Failure::Refused(ApiError::Conflict { code: USED, .. })) => CodeCheck::Changed,
        tried => tried?,
    };
    call.app.catch_up().await;
    Ok(tried)
}

/// Keeps a factor whose first code was typed, if it is right. The account is locked.
async fn set_up(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    (secret, typed): (&[u8], &str),
    (from, language): (Option<&str>, Language),
) -> Result<Result<(), Refused>, Failure> {
    if let Err(refused) = second_factors::count_first(tx, act, &user.id.to_string(), from).await? {
        return Ok(Err(refused));
    }
    let Some(step) = totp::step_of(secret, typed, act.now.as_secs()) else { return Ok(Err(Refused::Wrong)) };
    second_factors::keep_proven(tx, act, (new_factor(act, user), user), secret, (step, language)).await?;
    Ok(Ok(()))
}

/// Who looks at their account; a redirect for who is not signed in, and where people sign in elsewhere for who has not signed in
/// here: only here a second factor is asked for.
async fn own(call: &PageCall) -> Result<Result<Current, Reply>, PageError> {
    match session::current_with_address(call).await? {
        Some(current) if !is_for(call, &current) => Ok(Err(redirect("/account")?)),
        Some(current) => Ok(Ok(current)),
        None => Ok(Err(redirect(&Flow::begin(call, Target::SecondFactor).link(call, "/sign-in"))?)),
    }
}

/// Whether a second factor is of use to whoever is signed in.
pub fn is_for(call: &PageCall, current: &Current) -> bool {
    call.environment.standalone.login_uri.is_none() || current.session.authentication_method.is_here()
}

/// `GET /account/second-factor`: sets one up, or shows how the one there is goes away. Who has signed in a while ago does so
/// again before: a browser that somebody has left open gives nobody a factor of theirs.
///
/// # Errors
/// Database errors.
pub async fn get_own(call: &PageCall) -> Result<Reply, PageError> {
    let Current { session, user, .. } = match own(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let act = session::act(call);
    let known =
        authentication_factor::confirmed(&mut call.app.store.reader().await?, act.environment_id, user.id).await?;
    let mut flow = Flow::begin(call, Target::SecondFactor);
    if let Some(oldest) = known.first() {
        return Ok(show_removal(
            call,
            &flow,
            (&user, oldest.confirmed_at.unwrap_or(oldest.created_at)),
            StatusCode::OK,
            None,
        ));
    }
    // Nor does a login elsewhere: who has the password there would set one up for whoever signs in here.
    if act.now >= session.authenticated_at.plus_secs(FRESH) || !session.authentication_method.is_here() {
        flow.email = Some(user.email);
        let path = if allowed(call).password { "/sign-in/password" } else { "/sign-in" };
        return redirect(&flow.link(call, path));
    }
    flow.factor_secret = Some(enrolment::to_text(&second_factors::new_secret(&act)?));
    flow.shown_to = Some(user.id);
    show(call, &flow, (&user, OF_ACCOUNT), StatusCode::OK, None)
}

/// `POST /account/second-factor`: the first code of the one that is being set up.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post_own(call: &PageCall) -> Result<Reply, PageError> {
    let Current { session, user, .. } = match own(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    let (act, language) = (session::act(call), language(call));
    // The form may have lain open: twice the time, to find the application and to type.
    if act.now >= session.authenticated_at.plus_secs(2 * FRESH) || !session.authentication_method.is_here() {
        return redirect(OF_ACCOUNT);
    }
    // What somebody else was shown in this browser is their secret.
    if flow.target != Target::SecondFactor || flow.shown_to != Some(user.id) {
        return Err(PageError::flow());
    }
    let secret = flow.factor_secret.as_deref().and_then(enrolment::from_text).ok_or_else(PageError::flow)?;
    let typed: String = form.get("code").unwrap_or("").chars().take(MAX_CODE_LENGTH).collect();
    let (from, owner) = (call.peer.address.to_string(), user.clone());
    let tried = call.app.store.write::<CodeCheck, Failure, _>(move |tx| {
        Box::pin(async move {
            user::lock(tx, act.environment_id, owner.id).await?;
            if !authentication_factor::confirmed(tx, act.environment_id, owner.id).await?.is_empty() {
                return Ok(CodeCheck::Changed);
            }
            let outcome = set_up(tx, &act, &owner, (&secret, &typed), (Some(&from), language)).await?;
            Ok(outcome.map_or_else(CodeCheck::Refused, |()| CodeCheck::Right))
        })
    });
    match tried.await? {
        CodeCheck::Right => redirect("/account"),
        CodeCheck::Changed => redirect(OF_ACCOUNT),
        CodeCheck::Refused(refused) => {
            let (status, problem) = problem_of(&session::act(call), refused);
            show(call, &flow, (&user, OF_ACCOUNT), status, Some(problem))
        }
    }
}

fn show_removal(
    call: &PageCall,
    flow: &Flow,
    (user, since): (&User, countersign_protocol::time::Timestamp),
    status: StatusCode,
    problem: Option<Problem>,
) -> Reply {
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let frame = frame(call, &branding);
    let since = moment(since, frame.language);
    let page = RemoveSecondFactor {
        frame,
        form: carried.form("/account/second-factor/remove", problem),
        email: &user.email,
        since: &since,
        required: call.environment.environment.authentication.mfa_required,
        back: "/account",
    };
    reply(call, status, &page, None)
}

/// `POST /account/second-factor/remove`: all that the person has, for a code of one of them.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn remove_own(call: &PageCall) -> Result<Reply, PageError> {
    let Current { user, .. } = match own(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    let (act, language) = (session::act(call), language(call));
    let typed: String = form.get("code").unwrap_or("").chars().take(MAX_CODE_LENGTH).collect();
    let (from, owner) = (call.peer.address.to_string(), user.clone());
    let tried = call.app.store.write::<CodeCheck, Failure, _>(move |tx| {
        Box::pin(async move {
            user::lock(tx, act.environment_id, owner.id).await?;
            let known = authentication_factor::confirmed(tx, act.environment_id, owner.id).await?;
            if known.is_empty() {
                return Ok(CodeCheck::Changed);
            }
            let whose = owner.id.to_string();
            if let Err(refused) = second_factors::redeem(tx, &act, &whose, &known, (&typed, Some(&from))).await? {
                return Ok(CodeCheck::Refused(refused));
            }
            for factor in known {
                second_factors::delete(tx, &act, factor.id).await?;
            }
            second_factors::drop_unconfirmed(tx, &act, owner.id).await?;
            mails::second_factor_removed(tx, &act, &owner, Some(language)).await?;
            Ok(CodeCheck::Right)
        })
    });
    match tried.await? {
        CodeCheck::Right | CodeCheck::Changed => redirect("/account"),
        CodeCheck::Refused(refused) => {
            let (status, problem) = problem_of(&session::act(call), refused);
            let mut reader = call.app.store.reader().await?;
            let known = authentication_factor::confirmed(&mut reader, call.environment.id(), user.id).await?;
            drop(reader);
            let Some(oldest) = known.first() else { return redirect("/account") };
            let since = oldest.confirmed_at.unwrap_or(oldest.created_at);
            Ok(show_removal(call, &flow, (&user, since), status, Some(problem)))
        }
    }
}
