//! The answer to who is signed in: the tokens of a session. The one place in which their claims are built.

use super::Refused;
use super::authenticate::Asking;
use crate::domain::{Failure, jwt_templates, sessions};
use crate::http::reply::Reply;
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::jwt_template::TooBig;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{MembershipStatus, Session, SessionFamily, User};
use countersign_protocol::oauth::access_token::with_template;
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::user_management::error::AuthenticateError;
use countersign_protocol::user_management::session_token::{MemberClaims, SessionTokenClaims, issuer};
use countersign_store::{membership, role};
use serde_json::json;

/// What a person may do in an organization now; `None` when they are no active member of it.
///
/// # Errors
/// Database errors.
pub async fn member(
    asking: &Asking<'_>,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<Option<MemberClaims>, Failure> {
    let environment_id = asking.call.environment.id();
    let mut reader = asking.call.app.store.reader().await?;
    let found = membership::find_of_user(&mut reader, environment_id, user_id, organization_id).await?;
    let Some(found) = found.filter(|found| found.status == MembershipStatus::Active) else { return Ok(None) };
    let mut roles = Vec::with_capacity(found.roles.len());
    for slug in found.roles {
        let permissions = role::find(&mut reader, environment_id, &slug).await?.map(|role| role.permissions);
        roles.push((slug, permissions.unwrap_or_default()));
    }
    Ok(Some(MemberClaims::new(organization_id, roles)))
}

/// Issues the tokens that a family has now.
///
/// # Errors
/// `invalid_grant` for who has left the organization meanwhile; when signing fails.
pub async fn issue(
    asking: &Asking<'_>,
    user: &User,
    session: &Session,
    family: &SessionFamily,
) -> Result<Reply, Refused> {
    let call = asking.call;
    let environment = &call.environment.environment;
    let member = match family.organization_id {
        None => None,
        Some(id) => match self::member(asking, user.id, id).await? {
            Some(member) => Some(member),
            None => return Err(super::grant::refresh_token::not_good().into()),
        },
    };
    let template = match &call.environment.jwt_template {
        None => None,
        Some(template) => {
            let mut reader = call.app.store.reader().await?;
            let rendered =
                jwt_templates::claims(&mut reader, environment.id, template, user, family.organization_id).await?;
            let too_big = |error: TooBig| AuthenticateError::OAuth("token_too_big", format!("{error}.").into());
            Some(rendered.map_err(too_big)?)
        }
    };
    let now = call.app.clock.now();
    let iss = issuer(&environment.issuer, environment.client_id);
    let claims = SessionTokenClaims {
        iss: &iss,
        sub: user.id,
        sid: session.id,
        member,
        jti: call.app.entropy.token_id(now)?,
        iat: now.as_secs(),
        exp: now.as_secs() + environment.access_token_lifetime,
    };
    let signer = &call.environment.signer;
    let access_token = match template {
        None => signer.sign(&claims),
        Some(template) => signer.sign(&with_template(&claims, template).map_err(Failure::internal)?),
    };
    let access_token = access_token.map_err(Failure::internal)?;
    let refresh_token = RefreshToken { family_id: family.id, generation: family.generation };
    let refresh_token = refresh_token.compose(&call.app.keyring.session_refresh_token, environment.id);
    call.app.metrics.tokens_issued.inc();
    let mut body = json!({
        "user": user_view(user),
        "access_token": access_token,
        "refresh_token": refresh_token.expose(),
    });
    // Absent, not null, where there is none.
    if let Some(id) = family.organization_id {
        body["organization_id"] = json!(id);
    }
    if let Some(method) = sessions::method_name(&session.authentication_method) {
        body["authentication_method"] = method.into();
    }
    Ok(Reply::ok(&body).no_store())
}
