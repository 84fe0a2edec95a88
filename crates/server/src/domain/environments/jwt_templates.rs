//! An environment's JWT template: stored here, and rendered for users' tokens.

use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::jwt_template::{Template, TooBig, Values, Wrong};
use countersign_protocol::management::error::{ApiError, FieldError};
use countersign_protocol::management::views::{membership_event_view, organization_view, user_view};
use countersign_protocol::model::{JwtTemplate, Membership, Organization, User};
use countersign_store::change::{self, Topic};
use countersign_store::{Query, Tx, jwt_template, membership, organization};
use serde_json::{Map, Value, json};

/// Sets the environment's template; every node uses it within a second.
///
/// # Errors
/// 422.
pub async fn set(tx: &mut Tx, act: &Act, content: &str) -> Result<JwtTemplate, Failure> {
    Template::parse(content).map_err(|wrong| {
        let code = match wrong {
            Wrong::TooLong => "too_long",
            Wrong::Reserved(_) => "reserved_claim",
            Wrong::Empty | Wrong::Malformed { .. } => "invalid_template",
        };
        Failure::Refused(ApiError::Validation(vec![FieldError::new("content", code, format!("content: {wrong}."))]))
    })?;
    jwt_template::set(tx, act.environment_id, content, act.now).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "jwt_template.updated", "environment", act.environment_id).await?;
    find(tx, act).await
}

/// Deletes the environment's template: tokens then have only the standard claims. Returns `false` if there is none.
///
/// # Errors
/// Database errors.
pub async fn remove(tx: &mut Tx, act: &Act) -> Result<bool, Failure> {
    if !jwt_template::delete(tx, act.environment_id).await? {
        return Ok(false);
    }
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "jwt_template.deleted", "environment", act.environment_id).await?;
    Ok(true)
}

/// Looks up the environment's template.
///
/// # Errors
/// 404 when there is none.
pub async fn find(query: &mut impl Query, act: &Act) -> Result<JwtTemplate, Failure> {
    let found = jwt_template::find(query, act.environment_id).await?;
    found.ok_or_else(|| Failure::not_found("JWT template", act.environment_id))
}

/// Renders a template's claims for a user, in an organization if the user has chosen one.
///
/// # Errors
/// [`TooBig`].
pub fn render(
    template: &Template,
    user: &User,
    organization: Option<&Organization>,
    membership: Option<&Membership>,
) -> Result<Map<String, Value>, TooBig> {
    let needs = template.needs();
    let person = needs.user.then(|| {
        let mut view = user_view(user);
        if let Some(members) = view.as_object_mut() {
            // It changes with every sign-in and does not belong in a token.
            members.remove("last_sign_in_at");
            members.insert("identities".to_owned(), json!({}));
        }
        view
    });
    let organization = organization.filter(|_| needs.organization).map(organization_view);
    let membership = membership.filter(|_| needs.membership).map(membership_event_view);
    template.render(Values {
        user: person.as_ref(),
        organization: organization.as_ref(),
        membership: membership.as_ref(),
    })
}

/// The same, after loading only what the template refers to.
///
/// # Errors
/// Database errors; [`TooBig`] within.
pub async fn claims(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    template: &Template,
    user: &User,
    organization_id: Option<OrganizationId>,
) -> Result<Result<Map<String, Value>, TooBig>, countersign_store::Error> {
    let needs = template.needs();
    let organization = match organization_id.filter(|_| needs.organization) {
        Some(id) => organization::find(query, environment_id, id).await?,
        None => None,
    };
    let member = match organization_id.filter(|_| needs.membership) {
        Some(id) => membership::find_of_user(query, environment_id, user.id, id).await?,
        None => None,
    };
    Ok(render(template, user, organization.as_ref(), member.as_ref()))
}
