//! The objects of the management API in their wire format. Events carry the same objects.

use crate::model::{
    ApiKey, ApiKeyOwner, ApplicationKind, AuthenticationChallenge, AuthenticationFactor, ClientSecret, ClientType,
    ConnectApplication, CorsOrigin, EnvironmentRedirectUri, Invitation, InvitationState, MailedCode, MailedCodeId,
    Membership, OAuthResource, Organization, OrganizationDomain, Ownership, Permission, RedirectPurpose, Role, User,
};
use crate::time::Timestamp;
use serde_json::{Value, json};

/// `organization`.
pub fn organization_view(organization: &Organization) -> Value {
    let mut view = json!({
        "object": "organization",
        "id": organization.id,
        "name": organization.name,
        "allow_profiles_outside_organization": organization.allow_profiles_outside_organization,
        "domains": organization.domains.iter().map(organization_domain_view).collect::<Vec<_>>(),
        "metadata": organization.metadata,
        "external_id": organization.external_id,
        "created_at": organization.created_at,
        "updated_at": organization.updated_at,
    });
    if let Some(customer) = &organization.stripe_customer_id {
        view["stripe_customer_id"] = customer.as_str().into();
    }
    view
}

/// `organization_domain`.
pub fn organization_domain_view(domain: &OrganizationDomain) -> Value {
    json!({
        "object": "organization_domain",
        "id": domain.id,
        "organization_id": domain.organization_id,
        "domain": domain.domain,
        "state": domain.state.as_str(),
        "verification_strategy": domain.verification_strategy.as_str(),
        "verification_token": domain.verification_token,
        "created_at": domain.created_at,
        "updated_at": domain.updated_at,
    })
}

/// `redirect_uri`. Sign-out URIs carry a `purpose`; the public API has no such URIs.
pub fn redirect_uri_view(redirect_uri: &EnvironmentRedirectUri) -> Value {
    let mut view = json!({
        "object": "redirect_uri",
        "id": redirect_uri.id,
        "uri": redirect_uri.uri,
        "default": redirect_uri.default,
        "created_at": redirect_uri.created_at,
        "updated_at": redirect_uri.updated_at,
    });
    if redirect_uri.purpose != RedirectPurpose::SignIn {
        view["purpose"] = redirect_uri.purpose.as_str().into();
    }
    view
}

/// `cors_origin`.
pub fn cors_origin_view(cors_origin: &CorsOrigin) -> Value {
    json!({
        "object": "cors_origin",
        "id": cors_origin.id,
        "origin": cors_origin.origin,
        "created_at": cors_origin.created_at,
        "updated_at": cors_origin.updated_at,
    })
}

/// `authkit_oauth_resource`.
pub fn oauth_resource_view(resource: &OAuthResource) -> Value {
    json!({
        "object": "authkit_oauth_resource",
        "id": resource.id,
        "uri": resource.uri,
        "default": resource.default,
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
    })
}

/// `permission`.
pub fn permission_view(permission: &Permission) -> Value {
    json!({
        "object": "permission",
        "id": permission.id,
        "slug": permission.slug,
        "name": permission.name,
        "description": permission.description,
        "system": permission.system,
        "resource_type_slug": permission.resource_type_slug,
        "created_at": permission.created_at,
        "updated_at": permission.updated_at,
    })
}

/// `connect_application`. Keys that do not apply are absent, not null: clients use them to tell the kinds apart.
pub fn connect_application_view(application: &ConnectApplication) -> Value {
    let mut view = json!({
        "object": "connect_application",
        "id": application.id,
        "client_id": application.client_name(),
        "name": application.name,
        "description": application.description,
        "scopes": application.scopes,
        "created_at": application.created_at,
        "updated_at": application.updated_at,
    });
    match &application.kind {
        ApplicationKind::Machine { organization_id } => {
            view["application_type"] = "m2m".into();
            view["organization_id"] = json!(organization_id);
        }
        ApplicationKind::OAuth { ownership, client_type, redirect_uris, cors_origins, backchannel_logout_uri } => {
            view["application_type"] = "oauth".into();
            view["redirect_uris"] = json!(redirect_uris);
            view["cors_origins"] = json!(cors_origins);
            if let Some(uri) = backchannel_logout_uri {
                view["backchannel_logout_uri"] = json!(uri);
            }
            view["uses_pkce"] = (*client_type == ClientType::Public).into();
            view["is_first_party"] = (*ownership == Ownership::FirstParty).into();
            if *ownership != Ownership::FirstParty {
                view["was_dynamically_registered"] = (*ownership == Ownership::DynamicallyRegistered).into();
            }
            if let Ownership::ThirdParty { organization_id } = ownership {
                view["organization_id"] = json!(organization_id);
            }
        }
    }
    view
}

/// `connect_application_secret`, without its value.
pub fn client_secret_view(secret: &ClientSecret) -> Value {
    json!({
        "object": "connect_application_secret",
        "id": secret.id,
        "secret_hint": secret.hint,
        "last_used_at": secret.last_used_at,
        "created_at": secret.created_at,
        "updated_at": secret.updated_at,
    })
}

/// `api_key`, without its value.
pub fn api_key_view(key: &ApiKey) -> Value {
    json!({
        "object": "api_key",
        "id": key.id,
        "owner": match key.owner {
            ApiKeyOwner::Organization(id) => json!({"type": "organization", "id": id}),
        },
        "name": key.name,
        "obfuscated_value": key.obfuscated_value,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "permissions": key.permissions,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
    })
}

/// `authentication_factor`, without its secret.
pub fn authentication_factor_view(factor: &AuthenticationFactor) -> Value {
    let mut view = json!({
        "object": "authentication_factor",
        "id": factor.id,
        "type": "totp",
        "totp": {"issuer": factor.issuer, "user": factor.account},
        "created_at": factor.created_at,
        "updated_at": factor.updated_at,
    });
    // Absent, not null, when the factor belongs to no user.
    if let Some(user_id) = factor.user_id {
        view["user_id"] = json!(user_id);
    }
    view
}

/// `authentication_challenge`.
pub fn authentication_challenge_view(challenge: &AuthenticationChallenge) -> Value {
    json!({
        "object": "authentication_challenge",
        "id": challenge.id,
        "authentication_factor_id": challenge.factor_id,
        "created_at": challenge.created_at,
        "updated_at": challenge.updated_at,
    })
}

/// `user`. Every key is always present, because strict clients require them all.
pub fn user_view(user: &User) -> Value {
    json!({
        "object": "user",
        "id": user.id,
        "email": user.email,
        "email_verified": user.email_verified,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "name": user.name,
        "profile_picture_url": user.profile_picture_url,
        "external_id": user.external_id,
        "metadata": user.metadata,
        "locale": user.locale,
        "last_sign_in_at": user.last_sign_in_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

/// `organization_membership`, as in events: without the organization's name and the user.
pub fn membership_event_view(membership: &Membership) -> Value {
    json!({
        "object": "organization_membership",
        "id": membership.id,
        "user_id": membership.user_id,
        "organization_id": membership.organization_id,
        "status": membership.status.as_str(),
        "directory_managed": false,
        "custom_attributes": {},
        // Older clients read `role`, newer ones `roles`.
        "role": {"slug": membership.roles.first()},
        "roles": membership.roles.iter().map(|slug| json!({"slug": slug})).collect::<Vec<_>>(),
        "created_at": membership.created_at,
        "updated_at": membership.updated_at,
    })
}

/// `organization_membership`, with the user.
pub fn membership_view(membership: &Membership, user: &User) -> Value {
    let mut view = membership_event_view(membership);
    view["organization_name"] = membership.organization_name.as_str().into();
    view["user"] = user_view(user);
    view
}

/// `role`.
pub fn role_view(role: &Role) -> Value {
    json!({
        "object": "role",
        "id": role.id,
        "slug": role.slug,
        "name": role.name,
        "description": role.description,
        "type": "EnvironmentRole",
        "resource_type_slug": "organization",
        "permissions": role.permissions,
        "created_at": role.created_at,
        "updated_at": role.updated_at,
    })
}

/// `role`, as in events.
pub fn role_event_view(role: &Role) -> Value {
    json!({
        "object": "role",
        "slug": role.slug,
        "resource_type_slug": "organization",
        "permissions": role.permissions,
        "created_at": role.created_at,
        "updated_at": role.updated_at,
    })
}

/// `invitation`, as in events: without the token and link.
pub fn invitation_event_view(invitation: &Invitation, now: Timestamp) -> Value {
    let (accepted, revoked_at) = match invitation.state {
        InvitationState::Pending => (None, None),
        InvitationState::Accepted { at, by } => (Some((at, by)), None),
        InvitationState::Revoked { at } => (None, Some(at)),
    };
    json!({
        "object": "invitation",
        "id": invitation.id,
        "email": invitation.email,
        "state": invitation.state_word(now),
        "accepted_at": accepted.map(|(at, _)| at),
        "revoked_at": revoked_at,
        "expires_at": invitation.expires_at,
        "organization_id": invitation.organization_id,
        "inviter_user_id": invitation.inviter_user_id,
        "accepted_user_id": accepted.map(|(_, by)| by),
        "role_slug": invitation.role_slug,
        "created_at": invitation.created_at,
        "updated_at": invitation.updated_at,
    })
}

/// `invitation`, with its token and the link containing it.
pub fn invitation_view(invitation: &Invitation, token: &str, url: &str, now: Timestamp) -> Value {
    let mut view = invitation_event_view(invitation, now);
    view["token"] = token.into();
    view["accept_invitation_url"] = url.into();
    view
}

/// `magic_auth` or `email_verification`, as in events: without the code.
pub fn mailed_code_event_view<I: MailedCodeId>(code: &MailedCode<I>) -> Value {
    json!({
        "object": I::PREFIX,
        "id": code.id.to_string(),
        "user_id": code.user_id,
        "email": code.email,
        "expires_at": code.expires_at,
        "created_at": code.created_at,
        "updated_at": code.updated_at,
    })
}

/// `magic_auth` or `email_verification`, with the code.
pub fn mailed_code_view<I: MailedCodeId>(code: &MailedCode<I>, digits: &str) -> Value {
    let mut view = mailed_code_event_view(code);
    view["code"] = digits.into();
    view
}
