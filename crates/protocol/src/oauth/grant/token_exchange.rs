//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): a first-party API that was called with a
//! user's token exchanges it for one to call the next API with. The new token is for that API only, never has more
//! scopes or a longer lifetime, and names the actor.

use crate::id::{ClientId, ClientSecretId};
use crate::model::{ApplicationKind, OAuthResource, Ownership};
use crate::oauth::access_token::{AccessTokenClaims, Actor};
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::oauth::scope;
use crate::oauth::token::ExchangeRequest;
use crate::time::Timestamp;
use url::{Origin, Url};

/// The type of both the exchanged and the issued tokens (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The same kind of token, named by its format: our access tokens are JWTs.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// The maximum number of actors in a chain.
const MAX_CHAIN_LENGTH: usize = 4;

/// The current state that an exchange depends on, besides the token.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeContext<'a> {
    /// The environment's own client ID, the audience of tokens that are not for a resource.
    pub environment: ClientId,
    /// The resources of the environment.
    pub resources: &'a [OAuthResource],
    /// The scopes of the application that the user authorized.
    pub assigned: &'a [String],
    /// The current time.
    pub now: Timestamp,
}

/// The token to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The token's audience.
    pub resource: String,
    /// The scopes, space-separated.
    pub scope: String,
    /// The actor, with any prior actors.
    pub act: Actor,
    /// The latest time it may expire, in seconds.
    pub not_after: i64,
}

/// Checks the request apart from its token, before the token is looked at.
///
/// # Errors
/// - `unauthorized_client` unless the client is a first-party application with a secret;
/// - `invalid_request` for token types that are not exchanged here, and for an actor token: the client is the actor.
pub fn admit(request: &ExchangeRequest<'_>, client: AuthenticatedClient<'_>) -> Result<ClientSecretId, OAuthError> {
    let first_party =
        matches!(client.client().application.kind, ApplicationKind::OAuth { ownership: Ownership::FirstParty, .. });
    let (true, Ok(credential_id)) = (first_party, client.require_secret()) else {
        return Err(OAuthError::new(
            OAuthErrorCode::UnauthorizedClient,
            "Only first-party applications with a secret may exchange tokens.",
        ));
    };
    if ![ACCESS_TOKEN, JWT].contains(&request.subject_token_type) {
        return Err(OAuthError::invalid_request("subject_token_type must be that of an access token."));
    }
    if request.requested_token_type.is_some_and(|wanted| ![ACCESS_TOKEN, JWT].contains(&wanted)) {
        return Err(OAuthError::invalid_request("requested_token_type must be that of an access token."));
    }
    if request.has_actor {
        return Err(OAuthError::invalid_request("The application itself is the actor; leave out actor_token."));
    }
    Ok(credential_id)
}

/// One description for every token that is not exchanged (RFC 8693 §2.2.2).
pub fn rejection() -> OAuthError {
    OAuthError::invalid_request("The subject_token is not an active access token of a person.")
}

/// Evaluates the exchange of an active token.
///
/// # Errors
/// - `invalid_request` for a token that is not a user's, for one meant for another application, and for too long a
///   chain of actors;
/// - `invalid_target` unless exactly one resource known to the environment is named;
/// - `invalid_scope` for scopes the token does not have, or that the application has lost since.
pub fn exchange(
    request: &ExchangeRequest<'_>,
    subject: &AccessTokenClaims,
    (client, credential_id): (AuthenticatedClient<'_>, ClientSecretId),
    here: ExchangeContext<'_>,
) -> Result<Exchanged, OAuthError> {
    if subject.grant_id.is_none() || subject.exp <= here.now.as_secs() {
        return Err(rejection());
    }
    if !answers_for(client, here.environment, subject.aud.as_str().unwrap_or("")) {
        return Err(OAuthError::invalid_request(
            "The subject_token is for another application: its audience must be on the origin of one of this application's redirect URIs.",
        ));
    }
    let resource = match request.targets.as_slice() {
        [one] if here.resources.iter().any(|known| known.uri == *one) => (*one).to_owned(),
        [_] => return Err(invalid_target("The resource is not known here.")),
        _ => return Err(invalid_target("Name the one resource that the token is to be for.")),
    };
    // Scopes that the application has lost since are in no new token.
    let carried = scope::parse(subject.scope.as_deref().unwrap_or(""))?;
    let held = scope::still_assigned(&carried, here.assigned);
    let asked = match request.scope {
        None => held.clone(),
        Some(text) => scope::parse(text)?,
    };
    if let Some(more) = asked.iter().find(|scope| !held.contains(scope)) {
        return Err(OAuthError::new(
            OAuthErrorCode::InvalidScope,
            format!("The subject_token does not include the scope '{more}'."),
        ));
    }
    let before = subject.act.clone().map(Box::new);
    let act = Actor { sub: client.client().application.client_id, credential_id, act: before };
    if act.length() > MAX_CHAIN_LENGTH {
        return Err(OAuthError::invalid_request("Too many applications act for one another with this token."));
    }
    // The new token cannot be refreshed.
    let scope = asked.into_iter().filter(|scope| *scope != "offline_access").collect::<Vec<_>>().join(" ");
    Ok(Exchanged { resource, scope, act, not_after: subject.exp })
}

/// Whether tokens with this audience are meant for an application: a resource on the origin of one of its redirect
/// URIs, the application itself, or the environment, to which all first-party applications belong. Otherwise, the
/// holder of any first-party secret could turn a token sent to another application into one for any resource.
fn answers_for(client: AuthenticatedClient<'_>, environment: ClientId, audience: &str) -> bool {
    if let Ok(audience) = ClientId::parse(audience) {
        return [environment, client.client().application.client_id].contains(&audience);
    }
    let origin = |uri: &str| Url::parse(uri).ok().map(|url| url.origin()).filter(Origin::is_tuple);
    let ApplicationKind::OAuth { redirect_uris, .. } = &client.client().application.kind else { return false };
    let Some(audience) = origin(audience) else { return false };
    redirect_uris.iter().any(|known| origin(&known.uri).is_some_and(|known| known == audience))
}

fn invalid_target(why: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidTarget, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id, TokenFamilyId, TokenId};
    use crate::model::{ClientSecret, ClientType};
    use crate::oauth::authorize::redirect::tests::client;
    use crate::oauth::client::Client;
    use crate::oauth::client_auth::authenticate;
    use crate::secret::DigestKey;
    use proptest::prelude::*;
    use serde_json::json;

    const API: &str = "https://api.example.com/";

    fn with_secret(ownership: Ownership) -> Client {
        let mut client = client(ClientType::Confidential, ownership, &["https://mcp.example.com/callback"]);
        let epoch = Timestamp::from_millis(0);
        client.secrets.push(ClientSecret {
            id: Id::from_ulid(7),
            digest: DigestKey::new(&[1; 32]).digest("secret"),
            hint: String::new(),
            made_by: Default::default(),
            last_used_at: None,
            created_at: epoch,
            updated_at: epoch,
        });
        client
    }

    fn known() -> Vec<OAuthResource> {
        let epoch = Timestamp::from_millis(0);
        vec![OAuthResource {
            id: Id::from_ulid(1),
            uri: API.into(),
            default: false,
            created_at: epoch,
            updated_at: epoch,
        }]
    }

    fn subject(scope: &str) -> AccessTokenClaims {
        let (grant_id, jti) = (TokenFamilyId::from_ulid(3), TokenId::from_ulid(4));
        serde_json::from_value(json!({
            "iss": "https://id.example", "aud": "https://mcp.example.com/mcp", "sub": "user_1", "client_id": "client_x",
            "scope": scope, "grant_id": grant_id, "jti": jti,
            "iat": 100, "exp": 400,
        }))
        .unwrap()
    }

    fn request<'a>(targets: &[&'a str], scope: Option<&'a str>) -> ExchangeRequest<'a> {
        ExchangeRequest {
            subject_token: "x",
            subject_token_type: ACCESS_TOKEN,
            requested_token_type: None,
            has_actor: false,
            targets: targets.to_vec(),
            scope,
        }
    }

    fn exchanged(subject: &AccessTokenClaims, request: &ExchangeRequest<'_>) -> Result<Exchanged, OAuthErrorCode> {
        let client = with_secret(Ownership::FirstParty);
        let digest = DigestKey::new(&[1; 32]).digest("secret");
        let client = authenticate(&client, Some(&digest)).unwrap();
        let credential = admit(request, client).map_err(|error| error.code)?;
        let here = ExchangeContext {
            environment: Id::from_ulid(9),
            resources: &known(),
            assigned: &["posts:read", "a", "b", "c", "d"].map(str::to_owned),
            now: Timestamp::from_millis(200_000),
        };
        exchange(request, subject, (client, credential), here).map_err(|error| error.code)
    }

    #[test]
    fn a_token_is_exchanged_for_one_that_is_for_another_resource_and_for_no_more() {
        let made = exchanged(&subject("openid posts:read offline_access"), &request(&[API], None)).unwrap();
        assert_eq!((made.resource.as_str(), made.scope.as_str(), made.not_after), (API, "openid posts:read", 400));
        assert!(made.act.act.is_none());
        let less = exchanged(&subject("openid posts:read"), &request(&[API], Some("posts:read"))).unwrap();
        assert_eq!(less.scope, "posts:read");
        let more = exchanged(&subject("posts:read"), &request(&[API], Some("posts:read posts:write")));
        assert_eq!(more, Err(OAuthErrorCode::InvalidScope));
    }

    #[test]
    fn what_was_taken_from_the_application_since_is_not_in_the_new_token() {
        let old = subject("openid posts:read posts:write");
        assert_eq!(exchanged(&old, &request(&[API], None)).unwrap().scope, "openid posts:read");
        let asked = exchanged(&old, &request(&[API], Some("posts:write")));
        assert_eq!(asked, Err(OAuthErrorCode::InvalidScope));
    }

    #[test]
    fn who_acts_for_whom_is_a_chain_that_ends() {
        let mut claims = subject("posts:read");
        for length in 1..=MAX_CHAIN_LENGTH {
            let made = exchanged(&claims, &request(&[API], None)).unwrap();
            assert_eq!(made.act.length(), length);
            claims.act = Some(made.act);
        }
        assert_eq!(exchanged(&claims, &request(&[API], None)), Err(OAuthErrorCode::InvalidRequest));
    }

    #[test]
    fn a_token_for_somebody_else_is_not_exchanged() {
        let with = |aud: &str| AccessTokenClaims { aud: json!(aud), ..subject("posts:read") };
        let [own, environment, another] = [3, 9, 8].map(|id| ClientId::from_ulid(id).to_string());
        for good in ["https://mcp.example.com/", "https://mcp.example.com/other", &own, &environment] {
            assert!(exchanged(&with(good), &request(&[API], None)).is_ok(), "{good}");
        }
        for bad in [API, "https://mcp.example.com:8443/mcp", "http://mcp.example.com/mcp", "urn:mcp", "", &another] {
            assert_eq!(exchanged(&with(bad), &request(&[API], None)), Err(OAuthErrorCode::InvalidRequest), "{bad}");
        }
    }

    #[test]
    fn targets_that_are_missing_several_or_unknown_are_refused() {
        for targets in [&[][..], &["https://other.example/"], &[API, API], &["https://api.example.com"]] {
            assert_eq!(exchanged(&subject(""), &request(targets, None)), Err(OAuthErrorCode::InvalidTarget));
        }
    }

    #[test]
    fn machines_tokens_and_old_ones_are_not_exchanged() {
        let mut machine = subject("posts:read");
        machine.grant_id = None;
        assert_eq!(exchanged(&machine, &request(&[API], None)), Err(OAuthErrorCode::InvalidRequest));
        let old = AccessTokenClaims { exp: 200, ..subject("posts:read") };
        assert_eq!(exchanged(&old, &request(&[API], None)), Err(OAuthErrorCode::InvalidRequest));
    }

    #[test]
    fn only_first_party_applications_with_a_secret_are_admitted_and_only_for_access_tokens() {
        let digest = DigestKey::new(&[1; 32]).digest("secret");
        let good = request(&[API], None);
        let third = with_secret(Ownership::DynamicallyRegistered);
        let refused = admit(&good, authenticate(&third, Some(&digest)).unwrap()).unwrap_err();
        assert_eq!(refused.code, OAuthErrorCode::UnauthorizedClient);
        let public = client(ClientType::Public, Ownership::FirstParty, &[]);
        let refused = admit(&good, authenticate(&public, None).unwrap()).unwrap_err();
        assert_eq!(refused.code, OAuthErrorCode::UnauthorizedClient);
        let first = with_secret(Ownership::FirstParty);
        let first = authenticate(&first, Some(&digest)).unwrap();
        assert_eq!(admit(&good, first), Ok(Id::from_ulid(7)));
        assert!(admit(&ExchangeRequest { requested_token_type: Some(JWT), ..good.clone() }, first).is_ok());
        for bad in [
            ExchangeRequest { subject_token_type: "urn:ietf:params:oauth:token-type:refresh_token", ..good.clone() },
            ExchangeRequest { requested_token_type: Some("urn:ietf:params:oauth:token-type:id_token"), ..good.clone() },
            ExchangeRequest { has_actor: true, ..good },
        ] {
            assert_eq!(admit(&bad, first).unwrap_err().code, OAuthErrorCode::InvalidRequest);
        }
    }

    proptest! {
        #[test]
        fn scopes_never_become_more(
            held in proptest::collection::vec("[a-d]", 0..5),
            asked in proptest::option::of(proptest::collection::vec("[a-e]", 0..5)),
        ) {
            let asked = asked.map(|asked| asked.join(" "));
            let made = exchanged(&subject(&held.join(" ")), &request(&[API], asked.as_deref()));
            if let Ok(made) = made {
                prop_assert!(made.scope.split(' ').filter(|scope| !scope.is_empty()).all(|scope| held.iter().any(|h| h == scope)));
            } else {
                prop_assert!(asked.unwrap().split(' ').any(|scope| !held.iter().any(|h| h == scope)));
            }
        }
    }
}
