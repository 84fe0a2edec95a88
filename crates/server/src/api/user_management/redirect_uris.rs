//! `/user_management/redirect_uris`: redirect URIs of the environment's own application. `purpose` is our addition:
//! `sign_out` is for where users go after signing out; authorization codes are never sent there.

use crate::domain::Failure;
use crate::domain::environments::redirect_uris::{self, NewRedirectUri};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::RedirectUriId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::redirect_uri_view;
use countersign_protocol::model::RedirectPurpose;
use countersign_store::redirect_uri;

/// The maximum length of a URI.
const MAX_LENGTH: usize = 2048;
const PURPOSES: &str = "purpose must be sign_in or sign_out.";

/// `GET /user_management/redirect_uris`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| RedirectUriId::parse(text).ok())?;
    let purpose = match call.query.get("purpose")? {
        None => RedirectPurpose::SignIn,
        Some(word) => RedirectPurpose::parse(word).ok_or_else(|| ApiError::invalid("purpose", "invalid", PURPOSES))?,
    };
    let rows = redirect_uri::list(&mut call.reader().await?, call.environment.id(), &request.slice(), purpose).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| redirect_uri_view(&row)).envelope()))
}

/// `POST /user_management/redirect_uris`.
///
/// # Errors
/// 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let uri = fields.required_text("uri", MAX_LENGTH);
    let default = fields.boolean("default").value().unwrap_or(false);
    let purpose = match fields.optional_text("purpose", MAX_LENGTH).value() {
        None => RedirectPurpose::SignIn,
        Some(word) => RedirectPurpose::parse(&word).unwrap_or_else(|| {
            fields.refuse("purpose", "invalid", PURPOSES);
            RedirectPurpose::SignIn
        }),
    };
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let new = NewRedirectUri { purpose, uri, default };
            Ok(Reply::created(&redirect_uri_view(&redirect_uris::create_redirect_uri(tx, &act, new).await?)))
        })
    })
    .await
}

/// `DELETE /user_management/redirect_uris/{id}`.
///
/// # Errors
/// 404, 409.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            redirect_uris::delete_redirect_uri(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
