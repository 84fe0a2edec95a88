//! The client credentials grant (RFC 6749 §4.4): a program acts on behalf of its organization.

use crate::id::OrganizationId;
use crate::model::ApplicationKind;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::oauth::scope;

/// The grant to a machine client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The organization the token is for: always the application's own, whatever the request says.
    pub organization_id: OrganizationId,
    /// The scopes, space-separated; empty when the application has none.
    pub scope: String,
}

/// Evaluates a client credentials request. Without a requested scope, everything assigned to the application is
/// granted.
///
/// # Errors
/// - `unauthorized_client` unless the client is a machine application;
/// - `invalid_scope` for a scope that is not assigned to it.
pub fn grant(client: AuthenticatedClient<'_>, requested: Option<&str>) -> Result<Granted, OAuthError> {
    let application = &client.client().application;
    let ApplicationKind::Machine { organization_id } = application.kind else {
        return Err(OAuthError::new(
            OAuthErrorCode::UnauthorizedClient,
            "Only machine-to-machine applications may use the client_credentials grant.",
        ));
    };
    let scope = match requested {
        None => application.scopes.join(" "),
        Some(requested) => {
            let requested = scope::parse(requested)?;
            if let Some(unassigned) = requested.iter().find(|scope| !application.scopes.iter().any(|s| s == *scope)) {
                return Err(OAuthError::new(
                    OAuthErrorCode::InvalidScope,
                    format!("The scope '{unassigned}' is not assigned to this application."),
                ));
            }
            requested.join(" ")
        }
    };
    Ok(Granted { organization_id, scope })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ClientSecret, ClientType, ConnectApplication, Ownership};
    use crate::oauth::client::Client;
    use crate::oauth::client_auth::authenticate;
    use crate::secret::DigestKey;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn check(kind: ApplicationKind, scopes: &[String], requested: Option<&str>) -> Result<Granted, OAuthErrorCode> {
        let digest = DigestKey::new(&[1; 32]).digest("secret");
        let epoch = Timestamp::from_millis(0);
        let client = Client {
            environment_id: Id::from_ulid(1),
            application: ConnectApplication {
                id: Id::from_ulid(2),
                client_id: Id::from_ulid(3),
                metadata_url: None,
                name: "x".into(),
                description: None,
                scopes: scopes.to_vec(),
                kind,
                created_at: epoch,
                updated_at: epoch,
            },
            logo: Default::default(),
            login_uri: None,
            registered: None,
            secrets: vec![ClientSecret {
                id: Id::from_ulid(4),
                digest,
                hint: String::new(),
                made_by: Default::default(),
                last_used_at: None,
                created_at: epoch,
                updated_at: epoch,
            }],
        };
        grant(authenticate(&client, Some(&digest)).unwrap(), requested).map_err(|error| error.code)
    }

    fn machine() -> ApplicationKind {
        ApplicationKind::Machine { organization_id: OrganizationId::from_ulid(5) }
    }

    #[test]
    fn scopes_are_those_assigned_or_fewer() {
        let scopes = ["posts:read".to_owned(), "posts:write".to_owned()];
        let granted = |requested| check(machine(), &scopes, requested).map(|granted| granted.scope);
        assert_eq!(granted(None).as_deref(), Ok("posts:read posts:write"));
        assert_eq!(granted(Some("posts:write")).as_deref(), Ok("posts:write"));
        assert_eq!(granted(Some("posts:delete")), Err(OAuthErrorCode::InvalidScope));
        assert_eq!(granted(Some("posts:read posts:delete")), Err(OAuthErrorCode::InvalidScope));
        assert_eq!(granted(Some("openid")), Err(OAuthErrorCode::InvalidScope));
        assert_eq!(check(machine(), &[], None).map(|granted| granted.scope).as_deref(), Ok(""));
    }

    #[test]
    fn only_machine_applications_may_use_it() {
        let kind = ApplicationKind::OAuth {
            ownership: Ownership::FirstParty,
            client_type: ClientType::Confidential,
            redirect_uris: vec![],
            cors_origins: vec![],
            backchannel_logout_uri: None,
        };
        assert_eq!(check(kind, &[], None), Err(OAuthErrorCode::UnauthorizedClient));
    }

    proptest! {
        #[test]
        fn nothing_unassigned_is_ever_granted(
            assigned in proptest::collection::vec("[a-d]{1,2}", 0..5),
            requested in proptest::option::of("[a-d ]{0,10}"),
        ) {
            if let Ok(granted) = check(machine(), &assigned, requested.as_deref()) {
                prop_assert!(scope::parse(&granted.scope).unwrap().iter().all(|s| assigned.iter().any(|a| a == s)));
                prop_assert_eq!(granted.organization_id, OrganizationId::from_ulid(5));
            }
        }
    }
}
