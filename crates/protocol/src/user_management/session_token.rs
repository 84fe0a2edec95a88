//! The claims of a session's access token. It is distinct from OAuth access tokens: it has no audience, and its issuer
//! is not the environment's issuer, so neither can be mistaken for the other.

use crate::id::{ClientId, OrganizationId, SessionId, TokenId, UserId};
use crate::model::{Environment, Issuer};
use serde::Serialize;
use std::borrow::Cow;

/// A member's roles and permissions in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberClaims {
    /// The organization.
    pub org_id: OrganizationId,
    /// The primary role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// All roles.
    pub roles: Vec<String>,
    /// The permissions of all roles, sorted and deduplicated.
    pub permissions: Vec<String>,
}

impl MemberClaims {
    /// Creates the claims of a member from roles and the permissions of each.
    pub fn new(org_id: OrganizationId, roles: Vec<(String, Vec<String>)>) -> Self {
        let mut permissions: Vec<String> = roles.iter().flat_map(|(_, permissions)| permissions).cloned().collect();
        permissions.sort_unstable();
        permissions.dedup();
        let roles: Vec<String> = roles.into_iter().map(|(slug, _)| slug).collect();
        Self { org_id, role: roles.first().cloned(), roles, permissions }
    }
}

/// The claims, as signed.
#[derive(Debug, Serialize)]
pub struct SessionTokenClaims<'a> {
    /// See [`issuer`].
    pub iss: &'a str,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The organization, and the user's roles and permissions in it.
    #[serde(flatten)]
    pub member: Option<MemberClaims>,
    /// When the user authenticated, in seconds, so that a client that sent `max_age` can check it.
    pub auth_time: i64,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// The issuer of an environment's session tokens: the configured one, or else the default.
pub fn issuer(environment: &Environment) -> Cow<'_, str> {
    match &environment.session_issuer {
        Some(chosen) => Cow::Borrowed(chosen),
        None => Cow::Owned(default_issuer(&environment.issuer, environment.client_id)),
    }
}

/// The issuer of session tokens if none is configured.
pub fn default_issuer(origin: &Issuer, client_id: ClientId) -> String {
    format!("{origin}/user_management/{client_id}")
}

/// Why an issuer cannot be configured for session tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionIssuerError {
    /// Not an https address.
    #[error("must be an https address of at most 255 characters, without query or fragment")]
    NotAnAddress,
    /// The environment's own issuer, which issues the tokens that applications hold.
    #[error("must not be the environment's own issuer, which is that of what applications hold about people")]
    OfApplications,
}

/// Checks whether session tokens may name this issuer. SDKs compare it with a fixed text; nothing is fetched from it.
///
/// # Errors
/// See [`SessionIssuerError`].
pub fn check_issuer(chosen: &str, environment: &Issuer) -> Result<(), SessionIssuerError> {
    let plain = chosen.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'\\'));
    let host = chosen.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !plain || !host || chosen.len() > 255 {
        return Err(SessionIssuerError::NotAnAddress);
    }
    // Compared without trailing slashes, so that software that trims them cannot confuse the two issuers either.
    if chosen.trim_end_matches('/') == environment.as_str() {
        return Err(SessionIssuerError::OfApplications);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn claims(member: Option<MemberClaims>) -> serde_json::Value {
        let iss = default_issuer(&Issuer::parse("https://id.example").unwrap(), ClientId::from_ulid(3));
        let (sub, sid, jti) = (Id::from_ulid(1), Id::from_ulid(2), TokenId::from_ulid(4));
        serde_json::to_value(SessionTokenClaims { iss: &iss, sub, sid, member, auth_time: 1, jti, iat: 1, exp: 301 })
            .unwrap()
    }

    #[test]
    fn a_token_without_an_organization_says_nothing_of_one() {
        let claims = claims(None);
        let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["auth_time", "exp", "iat", "iss", "jti", "sid", "sub"]);
        assert_eq!(claims["iss"], "https://id.example/user_management/client_00000000000000000000000003");
    }

    #[test]
    fn permissions_are_those_of_all_roles() {
        let roles =
            vec![("b".to_owned(), vec!["x".to_owned(), "w".to_owned()]), ("a".to_owned(), vec!["x".to_owned()])];
        let claims = claims(Some(MemberClaims::new(Id::from_ulid(5), roles)));
        assert_eq!(claims["role"], "b");
        assert_eq!(claims["roles"], serde_json::json!(["b", "a"]));
        assert_eq!(claims["permissions"], serde_json::json!(["w", "x"]));
        let bare = self::claims(Some(MemberClaims::new(Id::from_ulid(5), vec![])));
        assert_eq!((&bare["roles"], &bare["permissions"]), (&serde_json::json!([]), &serde_json::json!([])));
        assert!(bare.get("role").is_none());
    }

    #[test]
    fn a_chosen_issuer_is_an_address_and_not_that_of_applications() {
        let environment = Issuer::parse("https://id.example").unwrap();
        for good in ["https://api.workos.com", "https://api.workos.com/", "https://id.example/sessions"] {
            check_issuer(good, &environment).unwrap();
        }
        for own in ["https://id.example", "https://id.example/", "https://id.example//"] {
            assert_eq!(check_issuer(own, &environment), Err(SessionIssuerError::OfApplications));
        }
        let long = format!("https://{}", "a".repeat(250));
        for bad in [
            "",
            "api.workos.com",
            "http://a.example",
            "https://",
            "https:///x",
            "https://a b",
            "https://a?b",
            "https://a#b",
            &long,
        ] {
            assert_eq!(check_issuer(bad, &environment), Err(SessionIssuerError::NotAnAddress), "{bad}");
        }
    }
}
