//! Codes sent by mail: to sign in with, and to prove an address. The code is in the browser, sealed; the database counts
//! the tries, and that it is used once. What was sent to an account is an object of the API as well, which shows it there and
//! redeems it nowhere.

use super::flow::{Challenge, Flow, NewAccount, Proves};
use super::login_uri;
use super::page::{Carried, PageError, branding, frame, language, redirect, reply};
use super::response_timing::evenly;
use super::second_factor;
use super::session::{self, Proven};
use super::sign_in::{allowed, refuse};
use super::sign_up::may_sign_up;
use crate::domain::attempts::{
    self, CODE_MAILS, CODES, CODES_FOR_ADDRESS, CODES_FOR_ADDRESS_ANYWHERE, CODES_FROM, Limit, TooManyMails,
};
use crate::domain::users::address_proof;
use crate::domain::users::authentications::{self, Proof};
use crate::domain::users::mailed_codes;
use crate::domain::users::mailed_codes::MINUTES;
use crate::domain::users::sign_up;
use crate::domain::{Act, Failure};
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::mail::{Style, account_exists, sign_in_code, verify_email};
use countersign_pages::{Code, CodeElsewhere, CodePurpose, Problem, Trouble};
use countersign_protocol::id::{EmailVerificationId, MagicAuthId, UserId};
use countersign_protocol::secret::{Digest, Secret};
use countersign_store::{Tx, user};
use http::StatusCode;
use http::header::SET_COOKIE;

/// A code is used once.
const ONCE: Limit = Limit::new("code used", 1, CODES.seconds);

/// Where a code is to go, and what is shown of that.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The address as it was typed.
    pub typed: &'a str,
    /// The address of the account.
    pub to: &'a str,
}

/// What a code is to prove, and whose account it is about, if there is one.
fn proof_and_user(proves: &Proves) -> (Proof, Option<UserId>) {
    match proves {
        Proves::SignIn(id) => (Proof::MagicAuth, Some(*id)),
        Proves::Nobody(_) => (Proof::MagicAuth, None),
        Proves::Address(id, _) => (Proof::EmailVerification, Some(*id)),
        Proves::SignUp(_) | Proves::Exists(_) => (Proof::EmailVerification, None),
    }
}

/// What people are told who have asked for one message too many.
pub(super) fn no_mail(act: &Act, why: TooManyMails) -> Problem {
    match why {
        TooManyMails::To(again_at) => Problem::TooManyMails { minutes: attempts::minutes_until(act, again_at) },
        TooManyMails::From(again_at) => Problem::TooManyAttempts { minutes: attempts::minutes_until(act, again_at) },
    }
}

/// Sends a code for this flow and shows where to enter it. Whoever asks sees the same, whether there is such an account
/// or not.
///
/// # Errors
/// Database errors.
pub async fn send(
    call: &PageCall,
    mut flow: Flow,
    recipient: Recipient<'_>,
    proves: Proves,
) -> Result<Reply, PageError> {
    let act = session::act(call);
    let code = call.app.entropy.code()?.expose().to_owned();
    let (proof, account) = proof_and_user(&proves);
    let id = match proof {
        Proof::MagicAuth => act.entropy.id::<MagicAuthId>(act.now)?.to_string(),
        Proof::EmailVerification | Proof::Password | Proof::Mfa => {
            act.entropy.id::<EmailVerificationId>(act.now)?.to_string()
        }
    };
    let link = format!("{}/sign-in/code?id={id}&code={code}", call.environment.environment.issuer);
    let branding = branding(call);
    let style = Style { language: language(call), branding: &branding };
    let mail = match &proves {
        Proves::SignIn(_) => Some(sign_in_code(style, &code, MINUTES, Some(&link))),
        Proves::Address(..) | Proves::SignUp(_) => Some(verify_email(style, &code, MINUTES, Some(&link))),
        // Somebody wants to sign up with an address that has an account: its owner learns of it, nobody else.
        Proves::Exists(_) => Some(account_exists(style, &format!("{}/sign-in", call.environment.environment.issuer))),
        Proves::Nobody(_) => None,
    };
    // What the company sends itself it learns of by an event, which there is of accounts alone.
    let by_the_company = account.is_some()
        && match proof {
            Proof::MagicAuth => !act.default_mails.magic_auth,
            Proof::EmailVerification | Proof::Password | Proof::Mfa => !act.default_mails.email_verification,
        };
    let mail = mail.filter(|_| !by_the_company);
    // The mail about an existing account carries no code, so it does not expire.
    let good_until = (!matches!(proves, Proves::Exists(_))).then(|| mailed_codes::good_until(&act));
    let (to, from) = (recipient.to.to_owned(), call.peer.limit_key().to_string());
    let (told, digits) = (id.clone(), Secret::new(code.clone()));
    let again = flow.challenge.is_some();
    let counted = call.app.store.write::<Result<(), Problem>, Failure, _>(move |tx| {
        Box::pin(async move {
            // Accounts are locked before what is counted about them, here as everywhere.
            if let Some(id) = account {
                user::lock(tx, act.environment_id, id).await?;
            }
            if let Err(why) = attempts::count_mail_of_page(tx, &act, CODE_MAILS, &to, &from).await? {
                return Ok(Err(no_mail(&act, why)));
            }
            if let Some(id) = account {
                let whose = (id, to.as_str());
                if proof == Proof::MagicAuth {
                    let told = ("magic_auth.created", told.as_str());
                    mailed_codes::keep_of_page::<MagicAuthId>(tx, &act, told, whose, &digits).await?;
                } else {
                    let told = ("email_verification.created", told.as_str());
                    mailed_codes::keep_of_page::<EmailVerificationId>(tx, &act, told, whose, &digits).await?;
                }
            }
            if let Some(mail) = mail {
                crate::domain::mails::queue(tx, &act, &to, mail, good_until).await?;
            }
            Ok(Ok(()))
        })
    });
    if let Err(problem) = counted.await? {
        let status = StatusCode::TOO_MANY_REQUESTS;
        // The last code may still be good.
        return if again {
            show(call, &flow, status, Shown::with(problem))
        } else {
            refuse(call, &flow, status, problem).await
        };
    }
    flow.challenge = Some(Challenge {
        id,
        code,
        email: recipient.typed.to_owned(),
        address: attempts::address(&session::act(call), recipient.to),
        expires_at: call.app.clock.now().plus_secs(i64::from(MINUTES) * 60).as_millis(),
        proves,
    });
    let sealed = flow.seal(call).unwrap_or_default();
    let with_flow = format!("/sign-in/code?flow={sealed}{}", if again { "&sent=again" } else { "" });
    // The head of an answer has room for it once: where it is too long for the address as well, the page takes it from there.
    let in_cookie_alone =
        sealed.len() <= Cookie::CodeFlow.longest() && with_flow.len() + sealed.len() > Cookie::CodeFlow.longest();
    let without_flow = if again { "/sign-in/code?sent=again" } else { "/sign-in/code" };
    let reply = redirect(if in_cookie_alone { without_flow } else { &with_flow })?;
    Ok(remember(call, sealed, MINUTES, reply))
}

/// Keeps a sealed flow in this browser for so many minutes, as what the link in a mail goes on with. One that is too long for a
/// cookie is not kept: then the link of a code shows it, to be typed here, and what comes after a new password is the account.
pub(super) fn remember(call: &PageCall, sealed: String, minutes: u32, reply: Reply) -> Reply {
    let sealed = Some(sealed).filter(|sealed| sealed.len() <= Cookie::CodeFlow.longest()).unwrap_or_default();
    let seconds = if sealed.is_empty() { 0 } else { i64::from(minutes) * 60 };
    match Cookie::CodeFlow.set(&sealed, seconds, &call.environment.environment.issuer) {
        Some(cookie) => reply.with(SET_COOKIE, cookie),
        None => reply,
    }
}

/// What the page for the code shows besides.
#[derive(Debug, Clone, Copy, Default)]
struct Shown<'a> {
    /// The code is filled in, where the person came by the link.
    code: &'a str,
    /// It was sent anew.
    resent: bool,
    /// What is wrong.
    problem: Option<Problem>,
}

impl Shown<'_> {
    fn with(problem: Problem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// Shows where to enter the code.
fn show(call: &PageCall, flow: &Flow, status: StatusCode, shown: Shown<'_>) -> Result<Reply, PageError> {
    let Some(challenge) = &flow.challenge else { return Err(PageError::flow()) };
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let restart = carried.link(if flow.signs_up { "/sign-up" } else { "/sign-in" });
    let page = Code {
        frame: frame(call, &branding),
        form: carried.form("/sign-in/code", shown.problem),
        purpose: match challenge.proves {
            Proves::SignIn(_) | Proves::Nobody(_) => CodePurpose::SignIn,
            Proves::Address(..) | Proves::SignUp(_) | Proves::Exists(_) => CodePurpose::VerifyEmail,
        },
        email: &challenge.email,
        code: shown.code,
        resend_action: "/sign-in/code/send",
        resent: shown.resent,
        mailbox: super::mailbox::is_open(call).then_some("/dev/mailbox"),
        restart: Some(&restart),
    };
    Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()))
}

/// `GET /sign-in/code`: where the code is typed, or, by the link in the mail, filled in and confirmed. Opening the link
/// signs nobody in and uses nothing up: mail programs open links, too.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    if let Some(code) = query.get("code") {
        return linked(call, query.get("id"), code);
    }
    let kept = || Cookie::CodeFlow.read(&call.headers, &call.environment.environment.issuer);
    let flow = Flow::carried(call, query.get("flow").map(str::to_owned).or_else(kept).as_deref())?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let resent = query.get("sent").is_some();
    show(call, &flow, StatusCode::OK, Shown { resent, ..Shown::default() })
}

/// The page behind the link: in the browser that has asked for this very code, the form with it; elsewhere the code alone,
/// to be typed there. A link is no proof by itself: somebody else may have asked for the code, and hopes for a click.
fn linked(call: &PageCall, id: Option<&str>, code: &str) -> Result<Reply, PageError> {
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link));
    }
    let sealed = Cookie::CodeFlow.read(&call.headers, &call.environment.environment.issuer);
    let flow = Flow::open(call, sealed.as_deref());
    let asked_here = |flow: &Flow| flow.challenge.as_ref().is_some_and(|challenge| Some(challenge.id.as_str()) == id);
    match flow.filter(asked_here) {
        Some(flow) => show(call, &flow, StatusCode::OK, Shown { code, ..Shown::default() }),
        None => {
            let branding = branding(call);
            Ok(reply(call, StatusCode::OK, &CodeElsewhere { frame: frame(call, &branding), code }, None))
        }
    }
}

/// Sends a code to sign in with to whoever has this address, for a flow that has typed it. It takes the same time when
/// nobody has.
///
/// # Errors
/// Database errors.
pub async fn send_to_sign_in(call: &PageCall, flow: Flow, typed: &str) -> Result<Reply, PageError> {
    evenly(find_and_send(call, flow, typed)).await
}

async fn find_and_send(call: &PageCall, flow: Flow, typed: &str) -> Result<Reply, PageError> {
    let nobody: UserId = call.app.entropy.id(call.app.clock.now())?;
    let mut reader = call.app.store.reader().await?;
    // Always to the address of the account, however it was typed.
    let (to, proves) = match user::find_by_email(&mut reader, call.environment.id(), typed).await? {
        Some(user) => (user.email, Proves::SignIn(user.id)),
        None => (typed.to_owned(), Proves::Nobody(nobody)),
    };
    drop(reader);
    send(call, flow, Recipient { typed, to: &to }, proves).await
}

/// What is in the way of a code being good for this, by what is allowed here now.
async fn obstacle(call: &PageCall, flow: &Flow, proves: &Proves, email: &str) -> Result<Option<Problem>, PageError> {
    let allowed = allowed(call);
    Ok(match proves {
        Proves::SignIn(_) | Proves::Nobody(_) => (!allowed.magic_auth).then_some(Problem::NoCodes),
        Proves::Address(..) => (!allowed.password).then_some(Problem::NoPasswords),
        Proves::SignUp(account) | Proves::Exists(account) => {
            if !may_sign_up(call, flow, Some(email)).await? {
                Some(Problem::SignUpClosed)
            } else {
                // Begun without a password, where now nobody comes in without one.
                (account.password_hash.is_none() && !allowed.magic_auth).then_some(Problem::NoCodes)
            }
        }
    })
}

/// `POST /sign-in/code/send`: a code instead of the password, or a new code.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post_send(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let Some(challenge) = flow.challenge.clone() else {
        let typed = flow.email.clone().ok_or_else(PageError::flow)?;
        if !allowed(call).magic_auth {
            return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::NoCodes).await;
        }
        return Box::pin(send_to_sign_in(call, flow, &typed)).await;
    };
    let typed = challenge.email;
    if let Some(problem) = obstacle(call, &flow, &challenge.proves, &typed).await? {
        return refuse(call, &flow, StatusCode::FORBIDDEN, problem).await;
    }
    match challenge.proves {
        proves @ (Proves::SignUp(_) | Proves::Exists(_)) => {
            send(call, flow, Recipient { typed: &typed, to: &typed }, proves).await
        }
        Proves::Address(id, likeness) => {
            let mut reader = call.app.store.reader().await?;
            let found = user::find_with_password(&mut reader, call.environment.id(), id).await?;
            drop(reader);
            let (to, proves) = match found {
                Some((user, hash)) => {
                    let now = address_proof::likeness(&session::act(call), &user, hash.as_deref());
                    if !now.matches_base64url(&likeness) {
                        return Err(flow.changed_meanwhile());
                    }
                    (user.email, Proves::Address(id, likeness))
                }
                None => (typed.clone(), Proves::Nobody(call.app.entropy.id(call.app.clock.now())?)),
            };
            send(call, flow, Recipient { typed: &typed, to: &to }, proves).await
        }
        Proves::SignIn(_) | Proves::Nobody(_) => Box::pin(send_to_sign_in(call, flow, &typed)).await,
    }
}

/// What became of a code.
enum CodeCheck {
    Right(Proven),
    Problem(Problem),
}

/// `POST /sign-in/code`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let Some(challenge) = flow.challenge.clone() else { return Err(PageError::flow()) };
    if let Some(problem) = obstacle(call, &flow, &challenge.proves, &challenge.email).await? {
        return refuse(call, &flow, StatusCode::FORBIDDEN, problem).await;
    }
    let typed: String = form.get("code").unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    match attempt(call, challenge, &typed).await? {
        CodeCheck::Right(proven) => {
            let reply = second_factor::go_on(call, proven, None, flow).await?;
            Ok(match Cookie::CodeFlow.remove(&call.environment.environment.issuer) {
                Some(cookie) => reply.with(SET_COOKIE, cookie),
                None => reply,
            })
        }
        CodeCheck::Problem(problem) => show(call, &flow, StatusCode::UNPROCESSABLE_ENTITY, Shown::with(problem)),
    }
}

async fn attempt(call: &PageCall, challenge: Challenge, typed: &str) -> Result<CodeCheck, PageError> {
    let (act, allowed) = (session::act(call), allowed(call));
    if act.now.as_millis() >= challenge.expires_at {
        return Ok(CodeCheck::Problem(Problem::CodeExpired));
    }
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(challenge.code.as_bytes(), typed.as_bytes()).is_ok();
    let right = same && !matches!(challenge.proves, Proves::Nobody(_) | Proves::Exists(_));
    let from = call.peer.limit_key().to_string();
    let here = format!("{} {from}", challenge.address);
    let (client_info, locale) = (session::client_info(call), language(call).tag().to_owned());
    let (proof, known) = proof_and_user(&challenge.proves);
    let tried = call.app.store.write::<CodeCheck, Failure, _>(move |tx| {
        Box::pin(async move {
            // Accounts are locked before what is counted about them, here as everywhere.
            if let Some(id) = known {
                user::lock(tx, act.environment_id, id).await?;
            }
            // Per code, and over all codes: asking for new ones gives no new tries without end.
            let counts = [
                (CODES_FROM, from.as_str()),
                (CODES, challenge.id.as_str()),
                (CODES_FOR_ADDRESS, here.as_str()),
                (CODES_FOR_ADDRESS_ANYWHERE, challenge.address.as_str()),
            ];
            if let Err((_, over_at)) = attempts::count_all(tx, &act, &counts).await? {
                let minutes = attempts::minutes_until(&act, over_at);
                return Ok(CodeCheck::Problem(Problem::TooManyAttempts { minutes }));
            }
            if !right {
                let (who, why) =
                    ((challenge.email.as_str(), known), ("invalid_one_time_code", "The code is not right."));
                authentications::failed(tx, &act, proof, &client_info, who, why).await?;
                return Ok(CodeCheck::Problem(Problem::CodeWrong));
            }
            // Of all who try, on whatever node, the first one uses the code up.
            if attempts::count(tx, &act, ONCE, &challenge.id).await?.is_err() {
                return Ok(CodeCheck::Problem(Problem::CodeExpired));
            }
            match (known, proof) {
                (None, _) => {}
                (_, Proof::MagicAuth) => mailed_codes::used_on_page::<MagicAuthId>(tx, &act, &challenge.id).await?,
                _ => mailed_codes::used_on_page::<EmailVerificationId>(tx, &act, &challenge.id).await?,
            }
            // Many people may sign in from one address.
            attempts::take_back(tx, &act, CODES_FROM, &from).await?;
            attempts::clear(tx, &act, CODES_FOR_ADDRESS, &here).await?;
            attempts::clear(tx, &act, CODES_FOR_ADDRESS_ANYWHERE, &challenge.address).await?;
            let proven = match challenge.proves {
                Proves::SignIn(id) => address_of(tx, &act, id, &challenge.address, false)
                    .await?
                    .and_then(|id| Proven::by_code(allowed, id)),
                Proves::Address(id, likeness) if address_proof::is_like(tx, &act, id, &likeness).await? => {
                    address_of(tx, &act, id, &challenge.address, true)
                        .await?
                        .and_then(|id| Proven::by_password_and_code(allowed, id))
                }
                Proves::SignUp(NewAccount { first_name, last_name, password_hash }) => {
                    let password_hash = password_hash.filter(|_| allowed.password);
                    let has_password = password_hash.is_some();
                    let email = challenge.email;
                    let new = sign_up::SignUp { email, first_name, last_name, password_hash, locale: Some(locale) };
                    let id = sign_up::sign_up(tx, &act, new).await?;
                    if has_password { Proven::by_password_and_code(allowed, id) } else { Proven::by_code(allowed, id) }
                }
                // Its password or its address has changed since.
                Proves::Address(..) => return Ok(CodeCheck::Problem(Problem::CodeExpired)),
                Proves::Nobody(_) | Proves::Exists(_) => None,
            };
            let proven = match proven {
                Some(proven) => {
                    let likeness = address_proof::likeness_now(tx, &act, proven.user_id()).await?;
                    Some(proven.of_account_like(likeness.map(Digest::to_base64url)))
                }
                None => None,
            };
            if let Some(proven) = &proven
                && proof == Proof::EmailVerification
                && let Some(user) = user::find(tx, act.environment_id, proven.user_id()).await?
            {
                authentications::succeeded(tx, &act, proof, &client_info, &user).await?;
            }
            Ok(proven.map_or(CodeCheck::Problem(Problem::CodeWrong), CodeCheck::Right))
        })
    });
    let tried = tried.await?;
    call.app.catch_up().await;
    Ok(tried)
}

/// The account, if the code was sent to the address it has.
async fn address_of(
    tx: &mut Tx,
    act: &Act,
    id: UserId,
    address: &str,
    password_proven: bool,
) -> Result<Option<UserId>, Failure> {
    let Some(found) = user::find(tx, act.environment_id, id).await? else { return Ok(None) };
    if attempts::address(act, &found.email) != address {
        return Ok(None);
    }
    let proven = address_proof::address_proven(tx, act, id, &found.email, password_proven).await?;
    Ok(proven.then_some(id))
}
