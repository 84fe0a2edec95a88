//! `/user_management/authkit_oauth_resources`: resources that access tokens can be issued for (RFC 8707).

use crate::domain::Failure;
use crate::domain::environments::oauth_resources;
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::OAuthResourceId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::oauth_resource_view;
use countersign_store::oauth_resource;

/// The maximum length of a URI.
const MAX_LENGTH: usize = 4096;

/// `GET /user_management/authkit_oauth_resources`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| OAuthResourceId::parse(text).ok())?;
    let rows = oauth_resource::list(&mut call.reader().await?, call.environment.id(), &request.slice()).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| oauth_resource_view(&row)).envelope()))
}

/// `POST /user_management/authkit_oauth_resources`.
///
/// # Errors
/// 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let uri = fields.required_text("uri", MAX_LENGTH);
    let default = fields.boolean("default").value().unwrap_or(false);
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            Ok(Reply::created(&oauth_resource_view(&oauth_resources::create(tx, &act, uri, default).await?)))
        })
    })
    .await
}

/// `DELETE /user_management/authkit_oauth_resources/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            oauth_resources::delete(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
