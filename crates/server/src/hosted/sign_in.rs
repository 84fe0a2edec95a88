//! Signing in: the address first, then the password or a code.

use super::email_code::Recipient;
use super::flow::{Flow, Proves};
use super::login_uri;
use super::mailbox;
use super::page::{Carried, Origin, PageError, branding, frame, origin, redirect, reply};
use super::product_pages;
use super::response_timing;
use super::second_factor;
use super::session::{self, Proven};
use crate::domain::attempts::{self, PASSWORDS, PASSWORDS_FOR_ACCOUNT, PASSWORDS_FROM};
use crate::domain::users::address_proof::likeness;
use crate::domain::users::password_check::{Checked, Tries, check};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Password, Problem, SignIn};
use countersign_protocol::model::{Authentication, User, email_key, resembles_email};
use countersign_protocol::secret::Secret;
use http::StatusCode;
use tokio::time::Instant;

/// The flow that a page belongs to: the one it was given, or one that leads to the account page.
///
/// # Errors
/// A page for a flow that is not good.
pub fn flow_of(call: &PageCall) -> Result<Flow, PageError> {
    let query = call.query()?;
    match query.get("flow") {
        Some(sealed) => Flow::carried(call, Some(sealed)),
        None => Ok(Flow::home(call)),
    }
}

async fn show(
    call: &PageCall,
    flow: &Flow,
    email: &str,
    status: StatusCode,
    problem: Option<Problem>,
) -> Result<Reply, PageError> {
    let branding = branding(call);
    let origin = origin(call, flow).await?;
    let carried = Carried::new(call, Some(flow));
    let open = allowed(call).sign_up || flow.target.invitation_token().is_some();
    let sign_up = open.then(|| carried.link("/sign-up"));
    let page = SignIn {
        frame: frame(call, &branding),
        form: carried.form("/sign-in", problem),
        email,
        application: origin.as_ref().map(Origin::shown),
        sign_up: sign_up.as_deref(),
    };
    Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()))
}

/// How people may sign in here. To staff nothing is offered that needs a mail which nobody would get; how the product's people
/// sign in is what the company has set, and nothing else.
pub fn allowed(call: &PageCall) -> Authentication {
    let set = call.environment.environment.authentication;
    Authentication { magic_auth: set.magic_auth && !mail_is_missing(call), ..set }
}

/// Whether staff are asked, and nobody gets what this server mails.
pub fn mail_is_missing(call: &PageCall) -> bool {
    call.environment.environment.is_of_staff() && !mailbox::reaches_people(call)
}

/// What was asked for is not allowed, here or now: the first page, which says so.
///
/// # Errors
/// Database errors.
pub async fn refuse(call: &PageCall, flow: &Flow, status: StatusCode, problem: Problem) -> Result<Reply, PageError> {
    let email = flow.email.clone().unwrap_or_default();
    show(call, flow, &email, status, Some(problem)).await
}

/// `GET /sign-in`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    if let Some(away) = product_pages::sign_in(call)? {
        return Ok(away);
    }
    let flow = flow_of(call)?;
    match login_uri::instead(call, &flow).await? {
        Some(away) => Ok(away),
        None => begin(call, flow).await,
    }
}

/// The first page of a flow.
///
/// # Errors
/// Database errors.
pub async fn begin(call: &PageCall, mut flow: Flow) -> Result<Reply, PageError> {
    let email = flow.email.take().unwrap_or_default();
    show(call, &flow, &email, StatusCode::OK, None).await
}

/// `POST /sign-in`: the address. What comes next does not depend on whether it has an account.
///
/// # Errors
/// A page for a flow that is not good, or for too many mails.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let email = form.get("email").unwrap_or("").trim();
    let problem = if email.is_empty() {
        Some(Problem::EmailNeeded)
    } else if !resembles_email(email) {
        Some(Problem::EmailInvalid)
    } else {
        None
    };
    if problem.is_some() {
        return show(call, &flow, email, StatusCode::UNPROCESSABLE_ENTITY, problem).await;
    }
    flow.email = Some(email.to_owned());
    flow.challenge = None;
    flow.signs_up = false;
    if !allowed(call).password {
        return Box::pin(super::email_code::send_to_sign_in(call, flow, email)).await;
    }
    redirect(&flow.link(call, "/sign-in/password"))
}

async fn show_password(
    call: &PageCall,
    flow: &Flow,
    status: StatusCode,
    problem: Option<Problem>,
) -> Result<Reply, PageError> {
    let Some(email) = flow.email.as_deref() else { return Err(PageError::flow()) };
    let password_saved = problem.is_none() && call.query().is_ok_and(|query| query.get("saved").is_some());
    let branding = branding(call);
    let origin = origin(call, flow).await?;
    let carried = Carried::new(call, Some(flow));
    let (restart, forgot) = (carried.link("/sign-in"), carried.link("/forgot-password"));
    let page = Password {
        frame: frame(call, &branding),
        form: carried.form("/sign-in/password", problem),
        email,
        application: origin.as_ref().map(Origin::shown),
        password_saved,
        restart: &restart,
        forgot: Some(&forgot),
        code_action: allowed(call).magic_auth.then_some("/sign-in/code/send"),
    };
    Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()))
}

/// `GET /sign-in/password`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get_password(call: &PageCall) -> Result<Reply, PageError> {
    if let Some(away) = product_pages::sign_in(call)? {
        return Ok(away);
    }
    let flow = flow_of(call)?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return redirect(&flow.link(call, "/sign-in"));
    }
    show_password(call, &flow, StatusCode::OK, None).await
}

/// What became of a password. What was right comes with what the account was like then.
enum PasswordCheck {
    Right(Box<User>, String, Tries),
    Problem(StatusCode, Problem),
}

/// `POST /sign-in/password`.
///
/// # Errors
/// A page for a flow that is not good, or for too many mails.
pub async fn post_password(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !allowed(call).password {
        return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::NoPasswords).await;
    }
    let Some(email) = flow.email.clone() else { return Err(PageError::flow()) };
    let Some(password) = form.get("password") else {
        return show_password(call, &flow, StatusCode::UNPROCESSABLE_ENTITY, Some(Problem::PasswordNeeded)).await;
    };
    let began = Instant::now();
    match attempt(call, &email, Secret::new(password.to_owned())).await? {
        PasswordCheck::Problem(status, problem @ Problem::CredentialsWrong) => {
            response_timing::wrong_password(began).await;
            show_password(call, &flow, status, Some(problem)).await
        }
        PasswordCheck::Problem(status, problem) => show_password(call, &flow, status, Some(problem)).await,
        PasswordCheck::Right(user, likeness, tries) => match Proven::by_password(allowed(call), &user, &likeness) {
            Some(proven) => second_factor::go_on(call, proven, Some(tries), flow).await,
            // The password alone does not prove whose the address is.
            None => {
                tries.forget_now(&call.app.store, &session::act(call)).await?;
                let recipient = Recipient { typed: &email, to: &user.email };
                Box::pin(super::email_code::send(call, flow, recipient, Proves::Address(user.id, likeness))).await
            }
        },
    }
}

/// Checks a password.
async fn attempt(call: &PageCall, email: &str, password: Secret) -> Result<PasswordCheck, PageError> {
    let (key, from) = (email_key(email), call.peer.limit_key().to_string());
    let counts = vec![(PASSWORDS, format!("{key} {from}")), (PASSWORDS_FOR_ACCOUNT, key), (PASSWORDS_FROM, from)];
    let (app, act) = (&call.app, session::act(call));
    Ok(match check((&app.store, &app.passwords), &act, (email, password), counts, session::client_info(call)).await? {
        Checked::Right(user, hash, tries) => {
            let likeness = likeness(&act, &user, Some(&hash)).to_base64url();
            PasswordCheck::Right(user, likeness, tries)
        }
        Checked::Wrong => PasswordCheck::Problem(StatusCode::UNPROCESSABLE_ENTITY, Problem::CredentialsWrong),
        Checked::TooMany(over_at) => {
            let minutes = attempts::minutes_until(&act, over_at);
            PasswordCheck::Problem(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts { minutes })
        }
        Checked::Busy => PasswordCheck::Problem(StatusCode::SERVICE_UNAVAILABLE, Problem::Busy),
    })
}
