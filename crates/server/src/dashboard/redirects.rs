//! `/dashboard/env/{environment}/redirects`: the redirect URIs of the environment's own application, and the origins
//! from which browsers may call.

use super::call::DashboardCall;
use super::field;
use super::page::{refused, reply, when};
use crate::domain::Failure;
use crate::domain::environments::cors_origins::{create_cors_origin, delete_cors_origin};
use crate::domain::environments::redirect_uris::{
    NewRedirectUri, create_redirect_uri, delete_redirect_uri, make_default,
};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{OriginRow, RedirectList, RedirectRow, Redirects, Section};
use countersign_protocol::model::{EnvironmentRedirectUri, RedirectPurpose};
use countersign_store::{cors_origin, redirect_uri};
use http::StatusCode;

/// Refused input, and why it was refused.
#[derive(Default)]
struct Typed {
    purpose: Option<RedirectPurpose>,
    uri: String,
    origin: String,
    problem: Option<String>,
}

fn list(purpose: RedirectPurpose, all: &[EnvironmentRedirectUri], typed: &Typed) -> RedirectList {
    let (title, text, nothing, example) = match purpose {
        RedirectPurpose::SignIn => (
            "After signing in",
            "Where people come back to with a code. Your product must request exactly one of these; the default is used if it \
             requests none.",
            "None yet, so nobody can sign in to your own product. Add its callback address.",
            "https://app.example.com/callback",
        ),
        RedirectPurpose::SignOut => (
            "After signing out",
            "Where people go after signing out of your product. Nothing is sent along, and never a code.",
            "None: after signing out, people see a page of this server that says so.",
            "https://app.example.com/",
        ),
    };
    let of = |default| all.iter().filter(move |known| known.purpose == purpose && known.default == default);
    let row = |known: &EnvironmentRedirectUri| RedirectRow {
        id: known.id.to_string(),
        uri: known.uri.clone(),
        default: known.default,
        wildcard: known.uri.contains('*'),
        created: when(known.created_at),
    };
    RedirectList {
        purpose: purpose.as_str(),
        title,
        text,
        nothing,
        example,
        rows: of(true).chain(of(false)).map(row).collect(),
        typed: if typed.purpose == Some(purpose) { typed.uri.clone() } else { String::new() },
    }
}

async fn show(call: &DashboardCall, typed: Typed) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let uris = redirect_uri::all(&mut reader, call.environment.id()).await?;
    let origins = cors_origin::all(&mut reader, call.environment.id()).await?;
    drop(reader);
    let row = |known: &countersign_protocol::model::CorsOrigin| OriginRow {
        id: known.id.to_string(),
        origin: known.origin.clone(),
        created: when(known.created_at),
    };
    let origins: Vec<OriginRow> = origins.iter().map(row).collect();
    let lists = [RedirectPurpose::SignIn, RedirectPurpose::SignOut].map(|purpose| list(purpose, &uris, &typed));
    let (status, shell) = match typed.problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Redirects, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Redirects)),
    };
    Ok(reply(status, &Redirects { shell: &shell, lists: &lists, origins: &origins, typed_origin: &typed.origin }))
}

/// The lists.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, Typed::default()).await
}

/// Redirects to the lists, or shows the page again with the refused input.
async fn settle(call: &DashboardCall, done: Result<(), Failure>, word: &str, typed: Typed) -> Result<Reply, PageError> {
    match done {
        Ok(()) => call.to(&format!("/redirects?done={word}")),
        Err(failure) => show(call, Typed { problem: Some(refused(failure)?), ..typed }).await,
    }
}

/// Adds a redirect URI.
///
/// # Errors
/// Database errors.
pub async fn add(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let purpose = RedirectPurpose::parse(field::text(&form, "purpose")).ok_or_else(PageError::flow)?;
    let uri = field::text(&form, "uri").to_owned();
    let typed = Typed { purpose: Some(purpose), uri: uri.clone(), ..Typed::default() };
    let (act, new) = (call.act(), NewRedirectUri { purpose, uri, default: false });
    let done = call.commit(move |tx| Box::pin(async move { create_redirect_uri(tx, &act, new).await.map(drop) })).await;
    settle(call, done, "created", typed).await
}

/// Makes a redirect URI the default for its purpose.
///
/// # Errors
/// 404.
pub async fn default(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = field::text(&call.page.form()?, "id").to_owned();
    let act = call.act();
    let done = call.commit(move |tx| Box::pin(async move { make_default(tx, &act, &id).await })).await;
    settle(call, done, "saved", Typed::default()).await
}

/// Deletes a redirect URI.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = field::text(&call.page.form()?, "id").to_owned();
    let act = call.act();
    let done = call.commit(move |tx| Box::pin(async move { delete_redirect_uri(tx, &act, &id).await })).await;
    settle(call, done, "deleted", Typed::default()).await
}

/// Adds an origin.
///
/// # Errors
/// Database errors.
pub async fn add_origin(call: &DashboardCall) -> Result<Reply, PageError> {
    let origin = field::text(&call.page.form()?, "origin").to_owned();
    let typed = Typed { origin: origin.clone(), ..Typed::default() };
    let act = call.act();
    let done =
        call.commit(move |tx| Box::pin(async move { create_cors_origin(tx, &act, origin).await.map(drop) })).await;
    settle(call, done, "created", typed).await
}

/// Deletes an origin.
///
/// # Errors
/// 404.
pub async fn delete_origin(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = field::text(&call.page.form()?, "id").to_owned();
    let act = call.act();
    let done = call.commit(move |tx| Box::pin(async move { delete_cors_origin(tx, &act, &id).await })).await;
    settle(call, done, "deleted", Typed::default()).await
}
