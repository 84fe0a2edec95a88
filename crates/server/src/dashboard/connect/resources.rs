//! Resources that access tokens may be issued for.

use super::{Typed, settle};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::domain::environments::oauth_resources;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;

/// Adds a resource.
///
/// # Errors
/// Database errors.
pub async fn add(call: &DashboardCall) -> Result<Reply, PageError> {
    let uri = field::text(&call.page.form()?, "uri").to_owned();
    let typed = Typed { resource: uri.clone(), ..Typed::default() };
    let act = call.act();
    let done = call
        .commit(move |tx| Box::pin(async move { oauth_resources::create(tx, &act, uri, false).await.map(drop) }))
        .await;
    settle(call, done, "created", typed).await
}

/// Makes a resource the default; if no ID is given, removes the default.
///
/// # Errors
/// 404.
pub async fn default(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = field::optional(&call.page.form()?, "id");
    let act = call.act();
    let done = call
        .commit(move |tx| Box::pin(async move { oauth_resources::make_default(tx, &act, id.as_deref()).await }))
        .await;
    settle(call, done, "saved", Typed::default()).await
}

/// Deletes a resource.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let id = field::text(&call.page.form()?, "id").to_owned();
    let act = call.act();
    let done = call.commit(move |tx| Box::pin(async move { oauth_resources::delete(tx, &act, &id).await })).await;
    settle(call, done, "deleted", Typed::default()).await
}
