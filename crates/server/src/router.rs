//! Every URL of the product, one line each.

use crate::api::user_management::{
    self, authkit_oauth_resources, authorized_applications, cors_origins, email_change, email_verification,
    invitations, magic_auth, organization_memberships, redirect_uris, sessions, users,
};
use crate::api::{
    api_keys, audit_logs, client_secrets, connect_applications, events, external_authentications, organization_domains,
    organizations, permissions, roles,
};
use crate::hosted::{
    account, assets, authorize, choose_organization, code, consent, device, invitation, login_uri, mailbox,
    own_application, password_reset, select_account, sign_in, sign_out, sign_up,
};
use crate::http::routes::Routes;
use crate::oauth::{device_authorization, discovery, introspection, jwks, registration, revocation, token, userinfo};
use crate::operations::{health, metrics};
use crate::user_management::{authenticate, device_authorization as own_device_authorization};
use http::Method;

/// The routes of the main listener.
#[rustfmt::skip]
pub fn routes() -> Routes {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;

    Routes::default()
        // Discovery. Clients that were given a URL with a path try the well-known location with that path behind it
        // (RFC 8414 §3.1): they get the document of the one issuer this host has.
        .public("/.well-known/openid-configuration", discovery::openid_configuration)
        .public("/.well-known/oauth-authorization-server", discovery::authorization_server)
        .public("/.well-known/oauth-authorization-server/{*path}", discovery::authorization_server)
        .public("/.well-known/openid-configuration/{*path}", discovery::openid_configuration)
        .public("/oauth2/jwks", jwks::by_host)
        .public("/sso/jwks/{client_id}", jwks::by_client_id)
        // OAuth.
        .oauth("/oauth2/token", token::post)
        .preflight("/oauth2/token")
        .oauth("/oauth2/device_authorization", device_authorization::post)
        .preflight("/oauth2/device_authorization")
        .resource(GET, "/oauth2/userinfo", userinfo::respond)
        .resource(POST, "/oauth2/userinfo", userinfo::respond)
        .preflight("/oauth2/userinfo")
        .oauth("/oauth2/introspection", introspection::post)
        .oauth("/oauth2/register", registration::post)
        .preflight("/oauth2/register")
        .oauth("/oauth2/revoke", revocation::post)
        .preflight("/oauth2/revoke")
        // Hosted pages.
        .page("/oauth2/authorize", |call| Box::pin(authorize::get(call)))
        .cross_site_form("/oauth2/authorize", |call| Box::pin(authorize::post(call)))
        .page("/oauth2/authorize/complete", |call| Box::pin(login_uri::complete(call)))
        .oauth("/user_management/authenticate", authenticate::post)
        .preflight_of_own("/user_management/authenticate")
        .oauth("/user_management/authorize/device", own_device_authorization::post)
        .page("/user_management/sessions/logout", |call| Box::pin(sign_out::of_own_application(call)))
        .page("/user_management/authorize", |call| Box::pin(own_application::get(call)))
        .page("/oauth2/error", |call| Box::pin(authorize::error(call)))
        .page("/sign-in", |call| Box::pin(sign_in::get(call)))
        .form("/sign-in", |call| Box::pin(sign_in::post(call)))
        .page("/sign-in/password", |call| Box::pin(sign_in::get_password(call)))
        .form("/sign-in/password", |call| Box::pin(sign_in::post_password(call)))
        .page("/sign-in/code", |call| Box::pin(code::get(call)))
        .form("/sign-in/code", |call| Box::pin(code::post(call)))
        .form("/sign-in/code/send", |call| Box::pin(code::post_send(call)))
        .page("/sign-up", |call| Box::pin(sign_up::get(call)))
        .form("/sign-up", |call| Box::pin(sign_up::post(call)))
        .page("/forgot-password", |call| Box::pin(password_reset::get_forgot(call)))
        .form("/forgot-password", |call| Box::pin(password_reset::post_forgot(call)))
        .page("/reset-password", |call| Box::pin(password_reset::get_reset(call)))
        .form("/reset-password", |call| Box::pin(password_reset::post_reset(call)))
        .form("/consent", |call| Box::pin(consent::post(call)))
        .form("/choose-organization", |call| Box::pin(choose_organization::post(call)))
        .form("/select-account", |call| Box::pin(select_account::post(call)))
        .page("/use-another-account", |call| Box::pin(select_account::other(call)))
        .page("/device", |call| Box::pin(device::get(call)))
        .form("/device", |call| Box::pin(device::post(call)))
        .page("/device/confirm", |call| Box::pin(device::resume(call)))
        .form("/device/confirm", |call| Box::pin(device::confirm(call)))
        .form("/device/consent", |call| Box::pin(device::consent(call)))
        .page("/oauth2/logout", |call| Box::pin(sign_out::end_session(call)))
        .cross_site_form("/oauth2/logout", |call| Box::pin(sign_out::end_session_posted(call)))
        .page("/invite", |call| Box::pin(invitation::get(call)))
        .form("/invite", |call| Box::pin(invitation::post(call)))
        .page("/invite/accept", |call| Box::pin(invitation::resume(call)))
        .page("/account", |call| Box::pin(account::get(call)))
        .form("/account/sessions/revoke", |call| Box::pin(account::revoke_session(call)))
        .form("/account/sign-out-everywhere", |call| Box::pin(account::sign_out_everywhere(call)))
        .form("/account/applications/revoke", |call| Box::pin(account::revoke_application(call)))
        .page("/sign-out", |call| Box::pin(sign_out::get(call)))
        .form("/sign-out", |call| Box::pin(sign_out::post(call)))
        .page("/signed-out", |call| Box::pin(sign_out::done(call)))
        .page("/dev/mailbox", |call| Box::pin(mailbox::list(call)))
        .page("/dev/mailbox/{id}", |call| Box::pin(mailbox::message(call)))
        .public(countersign_pages::STYLESHEET_PATH, assets::stylesheet)
        .stored("/branding/{name}", |call| Box::pin(assets::branding(call)))
        // Management.
        .management(GET, "/organizations", organizations::list)
        .management(POST, "/organizations", organizations::create)
        .management(GET, "/organizations/{id}", organizations::get)
        .management(PUT, "/organizations/{id}", organizations::update)
        .management(DELETE, "/organizations/{id}", organizations::delete)
        .management(GET, "/organizations/external_id/{external_id}", organizations::get_by_external_id)
        .management(GET, "/organizations/{id}/api_keys", api_keys::list)
        .management(POST, "/organizations/{id}/api_keys", api_keys::create)
        .management(POST, "/organization_domains", organization_domains::create)
        .management(GET, "/organization_domains/{id}", organization_domains::get)
        .management(DELETE, "/organization_domains/{id}", organization_domains::delete)
        .management(POST, "/organization_domains/{id}/verify", organization_domains::verify)
        .management(GET, "/events", events::list)
        .management(GET, "/authorization/permissions", permissions::list)
        .management(POST, "/authorization/permissions", permissions::create)
        .management(GET, "/authorization/permissions/{slug}", permissions::get)
        .management(PATCH, "/authorization/permissions/{slug}", permissions::update)
        .management(DELETE, "/authorization/permissions/{slug}", permissions::delete)
        .management(GET, "/authorization/roles", roles::list)
        .management(POST, "/authorization/roles", roles::create)
        .management(GET, "/authorization/roles/{slug}", roles::get)
        .management(PATCH, "/authorization/roles/{slug}", roles::update)
        .management(DELETE, "/authorization/roles/{slug}", roles::delete)
        .management(PUT, "/authorization/roles/{slug}/permissions", roles::set_permissions)
        .management(POST, "/authorization/roles/{slug}/permissions", roles::add_permission)
        .management(DELETE, "/authorization/roles/{slug}/permissions/{permission}", roles::remove_permission)
        .management(GET, "/user_management/users", users::list)
        .management(POST, "/user_management/users", users::create)
        .management(GET, "/user_management/users/{id}", users::get)
        .management(PUT, "/user_management/users/{id}", users::update)
        .management(DELETE, "/user_management/users/{id}", users::delete)
        .management(GET, "/user_management/users/external_id/{external_id}", users::get_by_external_id)
        .management(GET, "/user_management/users/{id}/identities", users::identities)
        .management(GET, "/user_management/users/{id}/sessions", sessions::list)
        .management(POST, "/user_management/sessions/revoke", sessions::revoke)
        .management(GET, "/user_management/users/{id}/authorized_applications", authorized_applications::of_user)
        .management(DELETE, "/user_management/users/{id}/authorized_applications/{application_id}", authorized_applications::delete)
        .management(GET, "/organizations/{id}/authorized_applications", authorized_applications::of_organization)
        .management(GET, "/user_management/jwt_template", user_management::jwt_template::get)
        .management(PUT, "/user_management/jwt_template", user_management::jwt_template::put)
        .management(POST, "/user_management/magic_auth", magic_auth::create)
        .management(GET, "/user_management/magic_auth/{id}", magic_auth::get)
        .management(POST, "/user_management/users/{id}/email_verification/send", email_verification::send)
        .management(POST, "/user_management/users/{id}/email_verification/confirm", email_verification::confirm)
        .management(GET, "/user_management/email_verification/{id}", email_verification::get)
        .management(POST, "/user_management/users/{id}/email_change/send", email_change::send)
        .management(POST, "/user_management/users/{id}/email_change/confirm", email_change::confirm)
        .management(POST, "/user_management/password_reset", user_management::password_reset::create)
        .management(POST, "/user_management/password_reset/confirm", user_management::password_reset::confirm)
        .management(GET, "/user_management/password_reset/{id}", user_management::password_reset::get)
        .management(GET, "/user_management/organization_memberships", organization_memberships::list)
        .management(POST, "/user_management/organization_memberships", organization_memberships::create)
        .management(GET, "/user_management/organization_memberships/{id}", organization_memberships::get)
        .management(PUT, "/user_management/organization_memberships/{id}", organization_memberships::update)
        .management(DELETE, "/user_management/organization_memberships/{id}", organization_memberships::delete)
        .management(PUT, "/user_management/organization_memberships/{id}/deactivate", organization_memberships::deactivate)
        .management(PUT, "/user_management/organization_memberships/{id}/reactivate", organization_memberships::reactivate)
        .management(GET, "/user_management/invitations", invitations::list)
        .management(POST, "/user_management/invitations", invitations::create)
        .management(GET, "/user_management/invitations/{id}", invitations::get)
        .management(GET, "/user_management/invitations/by_token/{token}", invitations::get_by_token)
        .management(POST, "/user_management/invitations/{id}/accept", invitations::accept)
        .management(POST, "/user_management/invitations/{id}/resend", invitations::resend)
        .management(POST, "/user_management/invitations/{id}/revoke", invitations::revoke)
        .management(GET, "/user_management/redirect_uris", redirect_uris::list)
        .management(POST, "/user_management/redirect_uris", redirect_uris::create)
        .management(DELETE, "/user_management/redirect_uris/{id}", redirect_uris::delete)
        .management(GET, "/user_management/cors_origins", cors_origins::list)
        .management(POST, "/user_management/cors_origins", cors_origins::create)
        .management(DELETE, "/user_management/cors_origins/{id}", cors_origins::delete)
        .management(GET, "/user_management/authkit_oauth_resources", authkit_oauth_resources::list)
        .management(POST, "/user_management/authkit_oauth_resources", authkit_oauth_resources::create)
        .management(DELETE, "/user_management/authkit_oauth_resources/{id}", authkit_oauth_resources::delete)
        .management(GET, "/connect/applications", connect_applications::list)
        .management(POST, "/connect/applications", connect_applications::create)
        .management(GET, "/connect/applications/{id}", connect_applications::get)
        .management(PUT, "/connect/applications/{id}", connect_applications::update)
        .management(DELETE, "/connect/applications/{id}", connect_applications::delete)
        .management(GET, "/connect/applications/{id}/client_secrets", client_secrets::list)
        .management(POST, "/connect/applications/{id}/client_secrets", client_secrets::create)
        .management(DELETE, "/connect/client_secrets/{id}", client_secrets::delete)
        .management(POST, "/authkit/oauth2/complete", external_authentications::complete)
        .management(POST, "/api_keys/validations", api_keys::validate)
        .management(POST, "/api_keys/{id}/expire", api_keys::expire)
        .management(DELETE, "/api_keys/{id}", api_keys::delete)
        // Audit logs.
        .management(GET, "/audit_logs/actions", audit_logs::actions)
        .management(POST, "/audit_logs/actions/{name}/schemas", audit_logs::create_schema)
        .management(GET, "/audit_logs/actions/{name}/schemas", audit_logs::schemas)
        .management(POST, "/audit_logs/events", audit_logs::create_event)
        .management(POST, "/audit_logs/exports", audit_logs::create_export)
        .management(GET, "/audit_logs/exports/{id}", audit_logs::get_export)
        .addressed("/audit_logs/exports/{id}/download", audit_logs::download)
        .management(GET, "/organizations/{id}/audit_logs_retention", audit_logs::get_retention)
        .management(PUT, "/organizations/{id}/audit_logs_retention", audit_logs::set_retention)
        .management(GET, "/organizations/{id}/audit_log_configuration", audit_logs::configuration)
        // Operations.
        .operator("/healthz", health::healthz)
        .operator("/readyz", health::readyz)
        .operator("/metrics", metrics::metrics)
}

/// The routes of the operator's own listener.
pub fn operations_routes() -> Routes {
    Routes::default()
        .operator("/healthz", health::healthz)
        .operator("/readyz", health::readyz)
        .operator("/metrics", metrics::metrics_for_operator)
}
