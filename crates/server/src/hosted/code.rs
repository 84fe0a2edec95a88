//! Codes sent by mail: to sign in with, and to prove an address. The code is in the browser, sealed; the database counts
//! the tries, and that it is used once.

use super::flow::{Challenge, Flow, NewAccount, Proves};
use super::page::{Carried, Stop, branding, frame, language, redirect, reply};
use super::session::{self, Proven};
use crate::domain::attempts::{self, Allowance, CODES, MAILS};
use crate::domain::{Failure, people};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_pages::mail::{Style, account_exists, sign_in_code, verify_email};
use countersign_pages::{Code, CodePurpose, Problem};
use countersign_protocol::id::UserId;
use countersign_protocol::model::email_key;
use countersign_store::user;
use http::StatusCode;

/// How long a code is good, in minutes.
const MINUTES: u32 = 10;

/// Sends a code for this flow and shows where to enter it. Whoever asks sees the same, whether there is such an account
/// or not.
///
/// # Errors
/// Database errors.
pub async fn send(call: &PageCall, mut flow: Flow, email: &str, proves: Proves) -> Result<Reply, Stop> {
    let act = session::act(call);
    let number = u32::from_be_bytes(call.app.entropy.bytes()?) % 1_000_000;
    let code = format!("{number:06}");
    let branding = branding(call);
    let style = Style { language: language(call), branding: &branding };
    let mail = match &proves {
        Proves::SignIn(_) => Some(sign_in_code(style, &code, MINUTES)),
        Proves::Address(_) | Proves::SignUp(_) => Some(verify_email(style, &code, MINUTES)),
        Proves::Nothing => None,
    };
    let mail = match mail {
        Some(mail) => Some(mail),
        // Somebody wants to sign up with an address that has an account: its owner learns of it, nobody else.
        None if flow.signs_up => {
            Some(account_exists(style, &format!("{}/sign-in", call.environment.environment.issuer)))
        }
        None => None,
    };
    let to = email.to_owned();
    let allowed = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            if attempts::count(tx, &act, "mail", &email_key(&to), MAILS).await?.is_err() {
                return Ok(false);
            }
            if let Some(mail) = mail {
                crate::domain::mails::queue(tx, &act, &to, mail).await?;
            }
            Ok(true)
        })
    });
    if !allowed.await? {
        return Err(Stop::Trouble(StatusCode::TOO_MANY_REQUESTS, countersign_pages::Trouble::Attempts));
    }
    flow.challenge = Some(Challenge {
        id: URL_SAFE_NO_PAD.encode(call.app.entropy.bytes::<12>()?),
        code,
        email: email.to_owned(),
        expires_at: call.app.clock.now().plus_secs(i64::from(MINUTES) * 60).as_millis(),
        proves,
    });
    redirect(&flow.link(call, "/sign-in/code"))
}

fn show(call: &PageCall, flow: &Flow, status: StatusCode, problem: Option<Problem>) -> Result<Reply, Stop> {
    let Some(challenge) = &flow.challenge else { return Err(Stop::flow()) };
    let branding = branding(call);
    let carried = Carried::new(call, Some(flow));
    let restart = flow.link(call, if flow.signs_up { "/sign-up" } else { "/sign-in" });
    let page = Code {
        frame: frame(call, &branding),
        form: carried.form("/sign-in/code", problem),
        purpose: match challenge.proves {
            Proves::SignIn(_) => CodePurpose::SignIn,
            Proves::Nothing if !flow.signs_up => CodePurpose::SignIn,
            _ => CodePurpose::VerifyEmail,
        },
        email: &challenge.email,
        resend_action: "/sign-in/code/send",
        resent: false,
        restart: Some(&restart),
    };
    Ok(reply(call, status, &page, flow.leads_to.as_deref()))
}

/// `GET /sign-in/code`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, Stop> {
    let query = call.query()?;
    let flow = Flow::open(call, query.get("flow")).ok_or_else(Stop::flow)?;
    show(call, &flow, StatusCode::OK, None)
}

/// `POST /sign-in/code/send`: a code instead of the password, or a new code.
///
/// # Errors
/// A page for a flow that is not good, or for too many mails.
pub async fn post_send(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    let flow = Flow::open(call, form.get("flow")).ok_or_else(Stop::flow)?;
    if let Some(challenge) = flow.challenge.clone() {
        return send(call, flow, &challenge.email, challenge.proves).await;
    }
    let Some(email) = flow.email.clone() else { return Err(Stop::flow()) };
    let found = user::find_by_email(&mut call.app.store.reader().await?, call.environment.id(), &email).await?;
    let (email, proves) = match found {
        // Always to the address of the account, however it was typed.
        Some(user) => (user.email, Proves::SignIn(user.id)),
        None => (email, Proves::Nothing),
    };
    send(call, flow, &email, proves).await
}

/// What became of a code.
enum Tried {
    Right(Proven),
    Problem(Problem),
}

/// `POST /sign-in/code`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, Stop> {
    let form = call.form()?;
    let flow = Flow::open(call, form.get("flow")).ok_or_else(Stop::flow)?;
    let Some(challenge) = flow.challenge.clone() else { return Err(Stop::flow()) };
    let typed: String = form.get("code").unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    match attempt(call, challenge, &typed).await? {
        Tried::Right(proven) => session::start(call, proven, &flow.resume(call)).await,
        Tried::Problem(problem) => show(call, &flow, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)),
    }
}

async fn attempt(call: &PageCall, challenge: Challenge, typed: &str) -> Result<Tried, Stop> {
    let act = session::act(call);
    if act.now.as_millis() >= challenge.expires_at {
        return Ok(Tried::Problem(Problem::CodeExpired));
    }
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(challenge.code.as_bytes(), typed.as_bytes()).is_ok();
    let right = same && !matches!(challenge.proves, Proves::Nothing);
    let tried = call.app.store.write::<Tried, Failure, _>(move |tx| {
        Box::pin(async move {
            if let Err(over_at) = attempts::count(tx, &act, "code", &challenge.id, CODES).await? {
                let minutes = u32::try_from((over_at.as_secs() - act.now.as_secs()) / 60 + 1).unwrap_or(1);
                return Ok(Tried::Problem(Problem::TooManyAttempts { minutes }));
            }
            if !right {
                return Ok(Tried::Problem(Problem::CodeWrong));
            }
            // Of all who try, on whatever node, the first one uses the code up.
            let once = Allowance { most: 1, seconds: CODES.seconds };
            if attempts::count(tx, &act, "code used", &challenge.id, once).await?.is_err() {
                return Ok(Tried::Problem(Problem::CodeExpired));
            }
            Ok(match challenge.proves {
                Proves::SignIn(user_id) => match people::address_proven(tx, &act, user_id, false).await? {
                    true => Tried::Right(Proven::by_code(user_id)),
                    false => Tried::Problem(Problem::CodeWrong),
                },
                Proves::Address(user_id) => match people::address_proven(tx, &act, user_id, true).await? {
                    true => Tried::Right(Proven::by_password_and_code(user_id)),
                    false => Tried::Problem(Problem::CodeWrong),
                },
                Proves::SignUp(account) => {
                    let user_id = signed_up(tx, &act, &challenge.email, account).await?;
                    Tried::Right(Proven::by_password_and_code(user_id))
                }
                Proves::Nothing => Tried::Problem(Problem::CodeWrong),
            })
        })
    });
    let tried = tried.await?;
    call.app.catch_up().await;
    Ok(tried)
}

async fn signed_up(
    tx: &mut countersign_store::Tx,
    act: &crate::domain::Act,
    email: &str,
    account: NewAccount,
) -> Result<UserId, Failure> {
    let NewAccount { first_name, last_name, password_hash } = account;
    people::sign_up(tx, act, people::SignUp { email: email.to_owned(), first_name, last_name, password_hash }).await
}
