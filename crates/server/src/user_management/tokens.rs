//! The answer to who is signed in: the tokens of a session. The one place in which their claims are built.

use super::Refused;
use super::authenticate::Asking;
use crate::domain::Failure;
use crate::domain::environments::jwt_templates;
use crate::http::reply::Reply;
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::jwt_template::TooBig;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{Choices, MembershipStatus, Session, SessionFamily, User};
use countersign_protocol::oauth::access_token::with_template;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::user_management::refresh::rejection;
use countersign_protocol::user_management::session_token::{MemberClaims, SessionTokenClaims, issuer};
use countersign_store::{membership, role};
use serde_json::{Map, Value, json};

/// Whom tokens are about: what they may do where they are, and what the environment's template says of them.
#[derive(Debug)]
pub struct Holder {
    member: Option<MemberClaims>,
    template: Option<Map<String, Value>>,
}

impl Holder {
    /// Loads what tokens of this person say now.
    ///
    /// # Errors
    /// `invalid_grant` for who is no active member of the organization any more; `token_too_big`.
    pub async fn load(
        asking: &Asking<'_>,
        user: &User,
        organization_id: Option<OrganizationId>,
    ) -> Result<Self, Refused> {
        let member = match organization_id {
            None => None,
            Some(id) => Some(member(asking, user.id, id).await?.ok_or_else(rejection)?),
        };
        let template = match &asking.call.environment.jwt_template {
            None => None,
            Some(template) => {
                let mut reader = asking.call.app.store.reader().await?;
                let environment_id = asking.call.environment.id();
                let rendered = jwt_templates::claims(&mut reader, environment_id, template, user, organization_id);
                let too_big = |error: TooBig| OAuthError::new(OAuthErrorCode::TokenTooBig, format!("{error}."));
                Some(rendered.await?.map_err(too_big)?)
            }
        };
        Ok(Self { member, template })
    }
}

/// What a person may do in an organization now; `None` when they are no active member of it.
///
/// # Errors
/// Database errors.
async fn member(
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
/// When signing fails.
pub fn issue(
    asking: &Asking<'_>,
    holder: Holder,
    user: &User,
    session: &Session,
    family: &SessionFamily,
) -> Result<Reply, Refused> {
    let call = asking.call;
    let environment = &call.environment.environment;
    let now = call.app.clock.now();
    let iss = issuer(environment);
    let claims = SessionTokenClaims {
        iss: &iss,
        sub: user.id,
        sid: session.id,
        member: holder.member,
        auth_time: session.authenticated_at.as_secs(),
        jti: call.app.entropy.token_id(now)?,
        iat: now.as_secs(),
        exp: now.as_secs() + environment.access_token_lifetime,
    };
    let access_token = match holder.template {
        None => call.environment.direct_signer.sign(&claims),
        Some(template) => {
            let claims = with_template(&claims, template, &Choices::default()).map_err(Failure::internal)?;
            call.environment.direct_signer.sign(&claims)
        }
    };
    let access_token = access_token.map_err(Failure::internal)?;
    let refresh_token = RefreshToken { family_id: family.id, generation: family.generation };
    let refresh_token = refresh_token.compose(&call.app.keyring.session_refresh_token, environment.id);
    call.app.metrics.tokens_issued.inc();
    let mut body = json!({
        "user": user_view(user),
        "access_token": access_token,
    });
    if asking.page.is_none() {
        body["refresh_token"] = refresh_token.expose().into();
    }
    // Absent, not null, where there is none.
    if let Some(id) = family.organization_id {
        body["organization_id"] = json!(id);
    }
    if let Some(method) = session.authentication_method.of_answer() {
        body["authentication_method"] = method.into();
    }
    let reply = Reply::ok(&body).no_store();
    Ok(match asking.page {
        Some(page) => page.keep(reply, &refresh_token),
        None => reply,
    })
}
