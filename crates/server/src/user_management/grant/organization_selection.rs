//! `grant_type=urn:workos:oauth:grant-type:organization-selection`.

use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, pending, sign_in};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::user_management::error::AuthenticateError;

/// The organization that a text names.
///
/// # Errors
/// `invalid_organization_id`.
pub fn read(organization_id: &str) -> Result<OrganizationId, AuthenticateError> {
    OrganizationId::parse(organization_id).map_err(|_| {
        AuthenticateError::Code("invalid_organization_id", "The organization_id is not an identifier.".into())
    })
}

/// Goes on in the organization that was chosen.
///
/// # Errors
/// `invalid_pending_authentication_token`, `invalid_organization_id`; as [`sign_in::go_on`].
pub async fn answer(asking: &Asking<'_>, token: &str, organization_id: &str) -> Result<Reply, Refused> {
    let (proof, pending) = pending::open(asking, token).await?;
    let step = sign_in::Step::Organization(read(organization_id)?);
    sign_in::go_on(asking, proof, Some((pending, step))).await
}
