//! Signing up: an account is made when its address is proven, and not before.

use super::email_code::Recipient;
use super::flow::{Flow, NewAccount, Proves};
use super::login_uri;
use super::page::{Carried, Origin, PageError, branding, frame, origin, reply};
use super::product_pages;
use super::session;
use super::sign_in::{allowed, flow_of, refuse};
use crate::domain::Failure;
use crate::domain::attempts::{self, SIGN_UPS_FROM};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::passwords::{Busy, MIN_LENGTH, Weakness, strength};
use countersign_pages::{Field, Problem, SignUp, Trouble};
use countersign_protocol::model::{email_key, is_email};
use countersign_protocol::secret::Secret;
use countersign_store::user;
use http::StatusCode;

/// Longest name, in characters.
const MAX_NAME_LENGTH: usize = 200;

/// What was typed.
#[derive(Debug, Clone, Copy)]
struct Typed<'a> {
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
}

async fn show(
    call: &PageCall,
    flow: &Flow,
    typed: Typed<'_>,
    status: StatusCode,
    problem: Option<Problem>,
) -> Result<Reply, PageError> {
    let branding = branding(call);
    let origin = origin(call, flow).await?;
    let carried = Carried::new(call, Some(flow));
    let sign_in = carried.link("/sign-in");
    let page = SignUp {
        frame: frame(call, &branding),
        form: carried.form("/sign-up", problem),
        application: origin.as_ref().map(Origin::shown),
        email: typed.email,
        first_name: typed.first_name,
        last_name: typed.last_name,
        password_minimum: allowed(call).password.then_some(MIN_LENGTH as u32),
        sign_in: &sign_in,
    };
    Ok(reply(call, status, &page, flow.redirect_scheme.as_deref()))
}

/// Whether somebody may make an account in this flow: everybody where that is open, else who is invited, and for the
/// address that is invited.
///
/// # Errors
/// A page for an invitation that is not good.
pub async fn may_sign_up(call: &PageCall, flow: &Flow, email: Option<&str>) -> Result<bool, PageError> {
    if allowed(call).sign_up {
        return Ok(true);
    }
    let Some(token) = flow.target.invitation_token() else { return Ok(false) };
    let invitation = super::invitation::find(call, &token).await?;
    Ok(email.is_none_or(|email| email_key(email) == email_key(&invitation.email)))
}

/// `GET /sign-up`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    if let Some(away) = product_pages::sign_in(call)? {
        return Ok(away);
    }
    let mut flow = flow_of(call)?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    if !may_sign_up(call, &flow, None).await? {
        return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::SignUpClosed).await;
    }
    let email = flow.email.take().unwrap_or_default();
    show(call, &flow, Typed { email: &email, first_name: "", last_name: "" }, StatusCode::OK, None).await
}

/// What is wrong with a new password.
pub fn weakness(password: &str, inputs: &[&str]) -> Option<Problem> {
    match strength(password, inputs) {
        Ok(()) => None,
        Err(Weakness::TooShort) => Some(Problem::PasswordTooShort),
        Err(Weakness::TooLong) => Some(Problem::PasswordTooLong),
        Err(Weakness::TooWeak) => Some(Problem::PasswordTooWeak),
    }
}

/// `POST /sign-up`.
///
/// # Errors
/// A page for a flow that is not good, or for too many mails.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let mut flow = Flow::carried(call, form.get("flow"))?;
    if let Some(away) = login_uri::instead(call, &flow).await? {
        return Ok(away);
    }
    let field = |name| form.get(name).unwrap_or("").trim();
    let typed = Typed { email: field("email"), first_name: field("first_name"), last_name: field("last_name") };
    if !may_sign_up(call, &flow, Some(typed.email)).await? {
        return refuse(call, &flow, StatusCode::FORBIDDEN, Problem::SignUpClosed).await;
    }
    // Where there are no passwords, none is asked for, and none that comes is kept.
    let password = allowed(call).password.then(|| form.get("password").unwrap_or(""));
    let too_long = |text: &str| text.chars().count() > MAX_NAME_LENGTH;
    let problem = if typed.email.is_empty() {
        Some(Problem::EmailNeeded)
    } else if !is_email(typed.email) {
        Some(Problem::EmailInvalid)
    } else if too_long(typed.first_name) {
        Some(Problem::NameTooLong { field: Field::FirstName })
    } else if too_long(typed.last_name) {
        Some(Problem::NameTooLong { field: Field::LastName })
    } else {
        match password {
            None => None,
            Some("") => Some(Problem::PasswordNeeded),
            Some(password) => weakness(password, &[typed.email, typed.first_name, typed.last_name]),
        }
    };
    if problem.is_some() {
        return show(call, &flow, typed, StatusCode::UNPROCESSABLE_ENTITY, problem).await;
    }
    // Counted before the work: strangers cannot keep the hashing busy.
    let (act, from) = (session::act(call), call.peer.limit_key().to_string());
    let counted = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { attempts::count(tx, &act, SIGN_UPS_FROM, &from).await })
    });
    if counted.await?.is_err() {
        return Err(PageError::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts));
    }
    // Hashed whether there is an account or not: the same work, the same answer.
    let password_hash = match password {
        None => None,
        Some(password) => match call.app.passwords.hash(Secret::new(password.to_owned())).await {
            Ok(hash) => Some(hash),
            Err(Busy) => {
                return show(call, &flow, typed, StatusCode::SERVICE_UNAVAILABLE, Some(Problem::Busy)).await;
            }
        },
    };
    let found = user::find_by_email(&mut call.app.store.reader().await?, call.environment.id(), typed.email).await?;
    let name = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let account = NewAccount { first_name: name(typed.first_name), last_name: name(typed.last_name), password_hash };
    let exists = found.is_some_and(|user| user.email_verified);
    let proves = if exists { Proves::Exists(account) } else { Proves::SignUp(account) };
    flow.signs_up = true;
    flow.challenge = None;
    flow.email = Some(typed.email.to_owned());
    super::email_code::send(call, flow, Recipient { typed: typed.email, to: typed.email }, proves).await
}
