//! The client that a browser's request names: one that is registered here, or one with a metadata document, which may
//! have to be fetched first.

use super::page::PageError;
use crate::client_documents::{self, Asker, Unresolved};
use crate::http::page_call::PageCall;
use countersign_pages::Trouble;
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::registration::document_url::host;
use http::StatusCode;
use std::sync::Arc;

/// Finds the client; `None` when there is none such here.
///
/// # Errors
/// A page for a document that cannot be used, or has to be allowed first. Never a redirect: nothing is proven yet.
pub async fn find(call: &PageCall, name: &ClientName<'_>) -> Result<Option<Arc<Client>>, PageError> {
    let ClientName::Document(url) = name else {
        return Ok(call.app.client_named(&call.environment, name).await?);
    };
    let asker = Asker { from: call.peer.limit_key(), request_id: &call.request_id };
    match client_documents::resolve(&call.app, &call.environment, url, &asker).await? {
        Ok(client) => Ok(Some(client)),
        Err(Unresolved::NotAllowed) => Ok(None),
        Err(Unresolved::AskFirst) => Err(PageError::AskFirst(host(url).to_owned())),
        Err(Unresolved::TooMany) => Err(PageError::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts)),
        Err(Unresolved::Unusable) => Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Client)),
    }
}
