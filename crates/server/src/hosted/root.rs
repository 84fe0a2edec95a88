//! Where people come to who type the address of the server, or one that leads nowhere.

use super::page::PageError;
use crate::http::page_call::PageCall;
use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use countersign_pages::Trouble;
use countersign_protocol::management::error::ApiError;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

/// `GET /`: leads to the own account, or to the dashboard where the host is the API's alone.
///
/// # Errors
/// 421 for a host that is not ours.
pub fn get(call: &PublicCall) -> Result<Reply, ApiError> {
    let to = match call.environment() {
        Ok(_) => "/account",
        // The API's own host.
        Err(ApiError::NoSuchPath) => "/dashboard",
        Err(refused) => return Err(refused),
    };
    Ok(Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, HeaderValue::from_static(to)).no_store())
}

/// The page at an address that does not exist.
///
/// # Errors
/// Always: that it does not exist.
pub async fn lost(_: &PageCall) -> Result<Reply, PageError> {
    Err(PageError::Trouble(StatusCode::NOT_FOUND, Trouble::Address))
}
