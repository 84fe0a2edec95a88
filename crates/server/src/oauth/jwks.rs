//! The published keys (RFC 7517 §5), under both URLs that clients know. They are not the same: decision 0012.

use super::discovery::document;
use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use countersign_protocol::id::ClientId;
use countersign_protocol::management::error::ApiError;

/// `/oauth2/jwks`: every key. The environment is told by the host.
///
/// # Errors
/// 421 and 404 by host.
pub fn by_host(call: &PublicCall) -> Result<Reply, ApiError> {
    Ok(document(call.environment()?.oauth_jwks.clone()))
}

/// `/sso/jwks/{client_id}`: the keys of sessions with the product and of machines, and none of those that sign what
/// applications hold about people. The environment is told by the client id of its own application.
///
/// # Errors
/// 421 for a foreign host, 404 for an unknown client id.
pub fn by_client_id(call: &PublicCall) -> Result<Reply, ApiError> {
    if !call.is_for_us() {
        return Err(ApiError::MisdirectedRequest);
    }
    let text = call.path.get("client_id");
    let environments = call.app.environments();
    let state = ClientId::parse(text).ok().and_then(|client_id| environments.by_client_id(client_id));
    state.map(|state| document(state.direct_jwks.clone())).ok_or_else(|| ApiError::not_found("Client", text))
}
