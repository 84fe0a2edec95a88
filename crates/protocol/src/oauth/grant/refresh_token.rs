//! `grant_type=refresh_token` (RFC 6749 §6, RFC 9700 §4.14.2): every use issues a new token and spends the old one.

use crate::model::TokenFamily;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::oauth::refresh_token::Place;
use crate::oauth::scope;
use crate::time::Timestamp;

/// The change to the token family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The number of the token that is current from now on.
    pub generation: i64,
    /// The scopes of the new tokens.
    pub scopes: Vec<String>,
    /// Whether this answers a retry, in which case the family is unchanged.
    pub repeated: bool,
}

/// Why a token is not rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The request is wrong; the token is not spent.
    Wrong(OAuthError),
    /// The token was spent longer ago: it or its successor has been stolen. The family is ended.
    Reused,
}

/// One description for every invalid token.
pub fn rejection() -> OAuthError {
    OAuthError::invalid_grant("The refresh token is unknown, expired, used or revoked, or is not for this client.")
}

/// Evaluates a refresh token with this number in its family.
///
/// # Errors
/// See [`Refused`].
pub fn rotate(
    family: &TokenFamily,
    generation: i64,
    client: AuthenticatedClient<'_>,
    requested_scope: Option<&str>,
    now: Timestamp,
) -> Result<Rotation, Refused> {
    let dead = family.ended_at.is_some() || now >= family.expires_at || now >= family.idle_expires_at;
    if family.application_id != client.client().application.id || dead {
        return Err(Refused::Wrong(rejection()));
    }
    let repeated = match Place::of(generation, family.generation, family.rotated_at, now) {
        Place::Good => false,
        Place::Retried => true,
        Place::Reused => return Err(Refused::Reused),
        Place::Nowhere => return Err(Refused::Wrong(rejection())),
    };
    let scopes = narrowed(&family.scopes, requested_scope).map_err(Refused::Wrong)?;
    let generation = if repeated { family.generation } else { generation + 1 };
    Ok(Rotation { generation, scopes, repeated })
}

/// Returns the requested scopes, which must be a subset of the granted ones (RFC 6749 §6).
fn narrowed(granted: &[String], requested: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(requested) = requested else { return Ok(granted.to_vec()) };
    let requested = scope::parse(requested)?;
    match requested.iter().find(|scope| !granted.iter().any(|known| known == *scope)) {
        Some(more) => {
            Err(OAuthError::new(OAuthErrorCode::InvalidScope, format!("The scope '{more}' was not granted before.")))
        }
        None => Ok(requested.into_iter().map(str::to_owned).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ClientType, Ownership};
    use crate::oauth::authorize::redirect::tests::client;
    use crate::oauth::client_auth::authenticate;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn family() -> TokenFamily {
        TokenFamily {
            id: Id::from_ulid(1),
            consent_id: Id::from_ulid(2),
            application_id: Id::from_ulid(2),
            user_id: Id::from_ulid(3),
            organization_id: None,
            session_id: None,
            resource: String::new(),
            scopes: vec!["openid".into(), "posts:read".into()],
            persona: Default::default(),
            authenticated_at: at(0),
            shows_auth_time: false,
            generation: 3,
            rotated_at: at(1000),
            idle_expires_at: at(2000),
            expires_at: at(3000),
            ended_at: None,
            created_at: at(0),
        }
    }

    fn present(family: &TokenFamily, generation: i64, scope: Option<&str>, now: i64) -> Result<Rotation, Refused> {
        let client = client(ClientType::Public, Ownership::FirstParty, &[]);
        rotate(family, generation, authenticate(&client, None).unwrap(), scope, at(now))
    }

    fn outcome(family: &TokenFamily, generation: i64, now: i64) -> Result<(i64, bool), bool> {
        present(family, generation, None, now)
            .map(|rotation| (rotation.generation, rotation.repeated))
            .map_err(|refused| refused == Refused::Reused)
    }

    #[test]
    fn a_token_is_good_once_and_its_retry_gets_the_same_successor() {
        assert_eq!(outcome(&family(), 3, 1001), Ok((4, false)));
        assert_eq!(outcome(&family(), 2, 1029), Ok((3, true)));
        assert_eq!(outcome(&family(), 2, 1030), Err(true));
        assert_eq!(outcome(&family(), 1, 1001), Err(true));
        assert_eq!(outcome(&family(), 4, 1001), Err(false));
        assert_eq!(outcome(&family(), 0, 1001), Err(false));
    }

    #[test]
    fn what_has_ended_stays_ended() {
        assert_eq!(outcome(&family(), 3, 2000), Err(false));
        let used = TokenFamily { idle_expires_at: at(9000), ..family() };
        assert_eq!(outcome(&used, 3, 3000), Err(false));
        let ended = TokenFamily { ended_at: Some(at(1000)), ..family() };
        assert_eq!(outcome(&ended, 3, 1001), Err(false));
        let others = TokenFamily { application_id: Id::from_ulid(99), ..family() };
        assert_eq!(outcome(&others, 1, 1001), Err(false), "another client's reuse ends nothing");
    }

    #[test]
    fn scopes_may_become_fewer_and_never_more() {
        let scopes = |scope| present(&family(), 3, scope, 1001).map(|rotation| rotation.scopes.join(" "));
        assert_eq!(scopes(None).as_deref(), Ok("openid posts:read"));
        assert_eq!(scopes(Some("posts:read")).as_deref(), Ok("posts:read"));
        assert!(
            matches!(scopes(Some("posts:write")), Err(Refused::Wrong(error)) if error.code == OAuthErrorCode::InvalidScope)
        );
    }
}
