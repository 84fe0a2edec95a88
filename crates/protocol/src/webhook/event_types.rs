//! The event types that an endpoint can subscribe to.

use crate::management::events::NAMES;

/// WorkOS's event types, sorted. Many are not emitted here yet: subscribing to them is accepted but delivers nothing.
const KNOWN: [&str; 93] = [
    "agent.registration.claim.attempt.created",
    "agent.registration.claim.completed",
    "agent.registration.created",
    "agent.registration.credential.issued",
    "agent.registration.deleted",
    "agent.registration.expired",
    "agent.registration.organization.switched",
    "agent.registration.refreshed",
    "agent.registration.revoked",
    "api_key.created",
    "api_key.revoked",
    "api_key.updated",
    "authentication.email_verification_succeeded",
    "authentication.magic_auth_failed",
    "authentication.magic_auth_succeeded",
    "authentication.mfa_succeeded",
    "authentication.oauth_failed",
    "authentication.oauth_succeeded",
    "authentication.passkey_failed",
    "authentication.passkey_succeeded",
    "authentication.password_failed",
    "authentication.password_succeeded",
    "authentication.radar_risk_detected",
    "authentication.reauthentication_succeeded",
    "authentication.sso_failed",
    "authentication.sso_started",
    "authentication.sso_succeeded",
    "authentication.sso_timed_out",
    "connection.activated",
    "connection.deactivated",
    "connection.deleted",
    "connection.saml_certificate_renewal_required",
    "connection.saml_certificate_renewed",
    "dsync.activated",
    "dsync.deleted",
    "dsync.group.created",
    "dsync.group.deleted",
    "dsync.group.updated",
    "dsync.group.user_added",
    "dsync.group.user_removed",
    "dsync.user.created",
    "dsync.user.deleted",
    "dsync.user.updated",
    "email_verification.created",
    "flag.created",
    "flag.deleted",
    "flag.rule_updated",
    "flag.updated",
    "group.created",
    "group.deleted",
    "group.member_added",
    "group.member_removed",
    "group.updated",
    "invitation.accepted",
    "invitation.created",
    "invitation.resent",
    "invitation.revoked",
    "magic_auth.created",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "organization_domain.created",
    "organization_domain.deleted",
    "organization_domain.updated",
    "organization_domain.verification_failed",
    "organization_domain.verified",
    "organization_membership.created",
    "organization_membership.deleted",
    "organization_membership.updated",
    "organization_role.created",
    "organization_role.deleted",
    "organization_role.updated",
    "password_reset.created",
    "password_reset.succeeded",
    "permission.created",
    "permission.deleted",
    "permission.updated",
    "pipes.connected_account.connected",
    "pipes.connected_account.connection_failed",
    "pipes.connected_account.disconnected",
    "pipes.connected_account.reauthorization_needed",
    "radar.challenge_created",
    "role.created",
    "role.deleted",
    "role.updated",
    "session.created",
    "session.revoked",
    "user.created",
    "user.deleted",
    "user.updated",
    "waitlist_user.approved",
    "waitlist_user.created",
    "waitlist_user.denied",
];

/// Event types that exist only here.
pub const OURS: [&str; 5] = [
    "oauth.authorization_code_reused",
    "oauth.refresh_token_reused",
    "session.authorization_code_reused",
    "session.refresh_token_reused",
    "webhook_endpoint.disabled",
];

/// The event announcing that an endpoint has been disabled.
pub const DISABLED: &str = "webhook_endpoint.disabled";

/// The event sent to test an endpoint. It cannot be subscribed to.
pub const TEST: &str = "webhook_endpoint.tested";

/// The event types offered for selection: those emitted here, sorted.
pub fn offered() -> Vec<&'static str> {
    let mut names: Vec<&str> = NAMES.iter().chain(&OURS).copied().filter(|name| can_be_subscribed(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether an endpoint can subscribe to events of this name.
pub fn can_be_subscribed(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok() || OURS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_can_be_subscribed_to_and_nothing_else() {
        assert!(KNOWN.is_sorted());
        for name in KNOWN.into_iter().chain(OURS) {
            assert!(can_be_subscribed(name), "{name}");
        }
        // Available through the events API, but not to webhooks.
        for name in [
            "action.authentication.denied",
            "action.user_registration.denied",
            "authentication.email_verification_failed",
            "authentication.mfa_failed",
            "dsync.token.created",
            "dsync.token.revoked",
            "vault.data.created",
            "vault.names.listed",
            "user.changed",
            "user",
            "*",
            "",
        ] {
            assert!(!can_be_subscribed(name), "{name}");
        }
    }
}
