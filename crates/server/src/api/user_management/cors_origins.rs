//! `/user_management/cors_origins`: origins whose pages may call the endpoints for browsers.

use crate::domain::Failure;
use crate::domain::environments::cors_origins;
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::CorsOriginId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::cors_origin_view;
use countersign_store::cors_origin;

/// The maximum length of an origin.
const MAX_LENGTH: usize = 300;

/// `GET /user_management/cors_origins`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| CorsOriginId::parse(text).ok())?;
    let rows = cors_origin::list(&mut call.reader().await?, call.environment.id(), &request.slice()).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| cors_origin_view(&row)).envelope()))
}

/// `POST /user_management/cors_origins`.
///
/// # Errors
/// 409, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let origin = fields.required_text("origin", MAX_LENGTH);
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            Ok(Reply::created(&cors_origin_view(&cors_origins::create_cors_origin(tx, &act, origin).await?)))
        })
    })
    .await
}

/// `DELETE /user_management/cors_origins/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            cors_origins::delete_cors_origin(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
