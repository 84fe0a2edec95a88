//! Account creation from a link: how the first owner gets in, through a link printed at first start.

use crate::domain::Failure;
use crate::domain::attempts::{self, SIGN_UPS_FROM};
use crate::domain::staff::{self, NewStaff};
use crate::hosted::flow::Flow;
use crate::hosted::page::{Carried, PageError, branding, frame, reply};
use crate::hosted::session::{self, Proven};
use crate::hosted::sign_up::weakness;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use crate::passwords::Busy;
use countersign_pages::dashboard::Welcome;
use countersign_pages::{Form, Problem, Trouble};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{Place, StaffRole, is_email};
use countersign_protocol::secret::Secret;
use countersign_store::staff_link;
use http::StatusCode;
use http::header::USER_AGENT;

/// Maximum length of a token.
const MAX_LENGTH: usize = 100;

fn too_old() -> PageError {
    PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link)
}

/// Returns the role that the link grants, if it is still valid.
async fn find(call: &PageCall, token: &str) -> Result<StaffRole, PageError> {
    if token.len() > MAX_LENGTH {
        return Err(too_old());
    }
    let digest = call.app.keyring.staff_link.digest(token);
    let mut reader = call.app.store.reader().await?;
    staff_link::find(&mut reader, call.environment.id(), &digest, call.app.clock.now()).await?.ok_or_else(too_old)
}

fn show(call: &PageCall, token: &str, typed: (StaffRole, &str), status: StatusCode, wrong: Wrong) -> Reply {
    let branding = branding(call);
    let carried = Carried::new(call, None);
    let form = Form { flow: token, ..carried.form("/welcome", wrong.problem) };
    let (role, email) = typed;
    let page = Welcome { frame: frame(call, &branding), form, email, role: role.name(), refused: wrong.refused };
    reply(call, status, &page, None)
}

#[derive(Default)]
struct Wrong {
    problem: Option<Problem>,
    refused: Option<&'static str>,
}

/// `GET /dashboard/welcome?token=…`. Opening the link does not use it up.
///
/// # Errors
/// An error page if the link is not valid.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let token = query.get("token").ok_or_else(too_old)?;
    let role = find(call, token).await?;
    Ok(show(call, token, (role, ""), StatusCode::OK, Wrong::default()))
}

/// `POST /dashboard/welcome`: creates the account and signs in.
///
/// # Errors
/// An error page if the link is not valid.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let token = form.get("flow").ok_or_else(too_old)?;
    let role = find(call, token).await?;
    let (email, password) = (form.get("email").unwrap_or("").trim(), form.get("password").unwrap_or(""));
    let problem = if email.is_empty() {
        Some(Problem::EmailNeeded)
    } else if !is_email(email) {
        Some(Problem::EmailInvalid)
    } else if password.is_empty() {
        Some(Problem::PasswordNeeded)
    } else {
        weakness(password, &[email])
    };
    if problem.is_some() {
        let wrong = Wrong { problem, refused: None };
        return Ok(show(call, token, (role, email), StatusCode::UNPROCESSABLE_ENTITY, wrong));
    }
    let (act, from) = (session::act(call), call.peer.limit_key().to_string());
    let counted = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { attempts::count(tx, &act, SIGN_UPS_FROM, &from).await })
    });
    if counted.await?.is_err() {
        return Err(PageError::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts));
    }
    let Ok(hash) = call.app.passwords.hash(Secret::new(password.to_owned())).await.map_err(|Busy| ()) else {
        let wrong = Wrong { problem: Some(Problem::Busy), refused: None };
        return Ok(show(call, token, (role, email), StatusCode::SERVICE_UNAVAILABLE, wrong));
    };
    let user_agent = call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let new = NewStaff {
        email: email.to_owned(),
        password_hash: hash,
        from: Place::new(call.peer.address, user_agent),
        mail: !call.app.mailer.keeps(),
    };
    let (act, used) = (session::act(call), token.to_owned());
    let admitted = call
        .app
        .store
        .write::<_, Failure, _>(move |tx| Box::pin(async move { staff::admit(tx, &act, &used, new).await }));
    match admitted.await {
        Ok(Some(user_id)) => session::start(call, Proven::by_staff_link(user_id), None, Flow::home(call)).await,
        Ok(None) => Err(too_old()),
        // The transaction was rolled back, so the link is still valid.
        Err(Failure::Refused(ApiError::NotPossible { .. })) => {
            let refused =
                Some("An account with this address already exists. Sign in to it, or choose another address.");
            let wrong = Wrong { problem: None, refused };
            Ok(show(call, token, (role, email), StatusCode::UNPROCESSABLE_ENTITY, wrong))
        }
        Err(failure) => Err(failure.into()),
    }
}
