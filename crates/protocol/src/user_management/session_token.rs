//! The claims of a session's access token. It is of another family than OAuth's: it has no audience, and its issuer is not
//! the environment's issuer, so that neither passes for the other.

use crate::id::{ClientId, OrganizationId, SessionId, TokenId, UserId};
use crate::model::Issuer;
use serde::Serialize;

/// What a member may do in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberClaims {
    /// The organization.
    pub org_id: OrganizationId,
    /// The foremost role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// All roles.
    pub roles: Vec<String>,
    /// What the roles allow, sorted, each once.
    pub permissions: Vec<String>,
}

impl MemberClaims {
    /// The claims of a member with these roles, each with what it allows.
    pub fn new(org_id: OrganizationId, roles: Vec<(String, Vec<String>)>) -> Self {
        let mut permissions: Vec<String> = roles.iter().flat_map(|(_, permissions)| permissions).cloned().collect();
        permissions.sort_unstable();
        permissions.dedup();
        let roles: Vec<String> = roles.into_iter().map(|(slug, _)| slug).collect();
        Self { org_id, role: roles.first().cloned(), roles, permissions }
    }
}

/// The claims, as they are signed.
#[derive(Debug, Serialize)]
pub struct SessionTokenClaims<'a> {
    /// See [`issuer`].
    pub iss: &'a str,
    /// The person.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The organization, and what the person may do there.
    #[serde(flatten)]
    pub member: Option<MemberClaims>,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// The issuer of session tokens.
pub fn issuer(origin: &Issuer, client_id: ClientId) -> String {
    format!("{origin}/user_management/{client_id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn claims(member: Option<MemberClaims>) -> serde_json::Value {
        let iss = issuer(&Issuer::parse("https://id.example").unwrap(), ClientId::from_ulid(3));
        let (sub, sid, jti) = (Id::from_ulid(1), Id::from_ulid(2), TokenId::from_ulid(4));
        serde_json::to_value(SessionTokenClaims { iss: &iss, sub, sid, member, jti, iat: 1, exp: 301 }).unwrap()
    }

    #[test]
    fn a_token_without_an_organization_says_nothing_of_one() {
        let claims = claims(None);
        let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["exp", "iat", "iss", "jti", "sid", "sub"]);
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
}
