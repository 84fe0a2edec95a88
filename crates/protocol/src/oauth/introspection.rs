//! Token introspection (RFC 7662): whether an access token is still active, and what is disclosed about it.

use super::access_token::{AccessTokenClaims, Actor};
use super::client::Client;
use super::client_name::ClientName;
use crate::id::{ApplicationId, ClientId, ConsentId, EnvironmentId, OrganizationId, TokenFamilyId, UserId};
use crate::model::{ApplicationKind, Choices};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// The current state of the authority behind a token.
#[derive(Debug, Clone, Copy)]
pub struct Authority<'a> {
    /// The environment the request was made to.
    pub environment_id: EnvironmentId,
    /// The environment's issuer.
    pub issuer: &'a str,
    /// The client the token was issued to, if it still exists.
    pub client: Option<&'a Client>,
    /// The authorization that the token names, if it is still active.
    pub family: Option<&'a StandingFamily>,
    /// Whether the token itself was revoked.
    pub token_revoked: bool,
    /// Whether the originally authorized application and all prior actors are still valid. Considered only for a token
    /// that came from a token exchange.
    pub delegation_is_valid: bool,
}

/// An active authorization: not ended, its consent and its user still exist, and the user is still a member of its
/// organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingFamily {
    /// The authorization's identifier.
    pub id: TokenFamilyId,
    /// The consent it is based on.
    pub consent_id: ConsentId,
    /// The application.
    pub application_id: ApplicationId,
    /// The application's client ID.
    pub client_id: ClientId,
    /// The user.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: Option<OrganizationId>,
    /// The user's choices.
    pub choices: Choices,
}

/// Returns whether a verified token is active: unexpired, from this issuer, not revoked, and everything it is based on
/// still valid: the application, its organization, and the very secret that was used.
pub fn is_active(claims: &AccessTokenClaims, authority: &Authority<'_>, now: Timestamp) -> bool {
    let Some(client) = authority.client else {
        return false;
    };
    let same_client = client.application.client_name().is(&claims.client_id);
    let stands = match client.application.kind {
        ApplicationKind::Machine { organization_id } => {
            claims.org_id.as_ref().is_some_and(|id| *id == organization_id.to_string())
                && claims.credential_id.is_some_and(|id| client.secrets.iter().any(|secret| secret.id == id))
        }
        ApplicationKind::OAuth { .. } => authority.family.is_some_and(|family| {
            // The token's holder: the authorized application, or an actor whose secret still exists.
            let holder = match &claims.act {
                None => client.application.id == family.application_id,
                Some(actor) => authority.delegation_is_valid && actor.is_valid_for(client),
            };
            holder && claims.grant_id == Some(family.id) && claims.sid == Some(family.consent_id)
        }),
    };
    same_client
        && stands
        && !authority.token_revoked
        && claims.exp > now.as_secs()
        && claims.iss == authority.issuer
        && client.environment_id == authority.environment_id
}

/// The response for an active access token. `token_type` names the kind of token, as WorkOS does.
#[derive(Debug, Serialize)]
pub struct ActiveAccessToken<'a> {
    active: bool,
    token_type: &'static str,
    client_id: &'a str,
    iss: &'a str,
    sub: &'a str,
    aud: &'a Value,
    iat: i64,
    exp: i64,
    jti: crate::id::TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<ConsentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Actor>,
    #[serde(flatten)]
    choices: Option<&'a Choices>,
}

/// The response for an active refresh token.
#[derive(Debug, Serialize)]
pub struct ActiveRefreshToken<'a> {
    /// Always true.
    pub active: bool,
    /// Always `refresh_token`.
    pub token_type: &'static str,
    /// The client the token was issued to.
    pub client_id: ClientName<'a>,
    /// The issuer.
    pub iss: &'a str,
    /// The user.
    pub sub: String,
    /// When the authorization was created, in seconds.
    pub iat: i64,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrganizationId>,
    /// The granted scopes.
    pub scope: String,
}

impl<'a> ActiveAccessToken<'a> {
    /// Creates the response for these claims, with the user authorization the token was issued for, if any.
    pub fn new(claims: &'a AccessTokenClaims, family: Option<&'a StandingFamily>) -> Self {
        Self {
            active: true,
            token_type: "access_token",
            client_id: &claims.client_id,
            iss: &claims.iss,
            sub: &claims.sub,
            aud: &claims.aud,
            iat: claims.iat,
            exp: claims.exp,
            jti: claims.jti,
            org_id: claims.org_id.as_ref(),
            sid: claims.sid,
            scope: claims.scope.as_deref(),
            act: claims.act.as_ref(),
            choices: family.map(|family| &family.choices),
        }
    }
}

/// The response for every inactive token: nothing else is disclosed (RFC 7662 §2.2).
pub const INACTIVE: &str = r#"{"active":false}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ClientId, Id, TokenId};
    use crate::model::{ClientSecret, ConnectApplication};
    use crate::secret::DigestKey;

    fn client() -> Client {
        let epoch = Timestamp::from_millis(0);
        Client {
            environment_id: Id::from_ulid(1),
            application: ConnectApplication {
                id: Id::from_ulid(2),
                client_id: Id::from_ulid(3),
                metadata_url: None,
                name: "x".into(),
                description: None,
                scopes: vec![],
                kind: ApplicationKind::Machine { organization_id: Id::from_ulid(5) },
                created_at: epoch,
                updated_at: epoch,
            },
            logo: Default::default(),
            login_uri: None,
            registered: None,
            secrets: vec![ClientSecret {
                id: Id::from_ulid(4),
                digest: DigestKey::new(&[1; 32]).digest("secret"),
                hint: String::new(),
                made_by: Default::default(),
                last_used_at: None,
                created_at: epoch,
                updated_at: epoch,
            }],
        }
    }

    fn claims() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://issuer.example".into(),
            aud: ClientId::from_ulid(9).to_string().into(),
            sub: ClientId::from_ulid(3).to_string(),
            client_id: ClientId::from_ulid(3).to_string(),
            org_id: Some(OrganizationId::from_ulid(5).to_string().into()),
            scope: None,
            credential_id: Some(Id::from_ulid(4)),
            sid: None,
            grant_id: None,
            act: None,
            jti: TokenId::from_ulid(6),
            iat: 1000,
            exp: 1300,
        }
    }

    fn check(change: impl FnOnce(&mut AccessTokenClaims, &mut Client, &mut bool, &mut i64), expected: bool) {
        let (mut claims, mut client, mut token_revoked, mut now) = (claims(), client(), false, 1100);
        change(&mut claims, &mut client, &mut token_revoked, &mut now);
        let authority = Authority {
            environment_id: Id::from_ulid(1),
            issuer: "https://issuer.example",
            client: Some(&client),
            family: None,
            token_revoked,
            delegation_is_valid: true,
        };
        assert_eq!(is_active(&claims, &authority, Timestamp::from_millis(now * 1000)), expected);
        let gone = Authority { client: None, ..authority };
        assert!(!is_active(&claims, &gone, Timestamp::from_millis(now * 1000)));
    }

    #[test]
    fn a_token_stands_only_while_everything_behind_it_does() {
        check(|_, _, _, _| {}, true);
        check(|_, client, _, _| client.secrets.clear(), false);
        check(|_, client, _, _| client.secrets[0].id = Id::from_ulid(44), false);
        check(|claims, _, _, _| claims.credential_id = None, false);
        check(|claims, _, _, _| claims.org_id = Some(OrganizationId::from_ulid(55).to_string().into()), false);
        check(|claims, _, _, _| claims.org_id = None, false);
        check(|claims, _, _, _| claims.iss = "https://issuer.example/".into(), false);
        check(|claims, _, _, _| claims.client_id = ClientId::from_ulid(33).to_string(), false);
        check(|_, client, _, _| client.environment_id = Id::from_ulid(11), false);
        check(|_, _, revoked, _| *revoked = true, false);
        check(|_, _, _, now| *now = 1299, true);
        check(|_, _, _, now| *now = 1300, false);
    }
}
