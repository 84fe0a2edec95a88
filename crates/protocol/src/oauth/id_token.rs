//! ID tokens and the userinfo response (OpenID Connect Core §2, §5.3, §5.4).

use super::client_name::ClientName;
use crate::model::User;
use crate::time::Timestamp;
use serde::Serialize;

/// The lifetime of an ID token, in seconds.
pub const ID_TOKEN_LIFETIME: i64 = 3600;

/// The claims about a user that a grant's scopes disclose to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonClaims {
    /// The user's subject identifier.
    pub sub: String,
    /// With `profile`: the full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With `profile`: the given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// With `profile`: the family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// With `email`: the email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// With `email`: whether the address is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl PersonClaims {
    /// The claims about a user that these scopes disclose, under this subject. Claims without a value are omitted.
    pub fn new<'a>(sub: String, user: &User, scopes: impl Iterator<Item = &'a str> + Clone) -> Self {
        let has = |wanted: &str| scopes.clone().any(|scope| scope == wanted);
        let (profile, email) = (has("profile"), has("email"));
        let known = |value: &Option<String>| value.clone().filter(|_| profile);
        Self {
            sub,
            name: known(&user.full_name()),
            given_name: known(&user.first_name),
            family_name: known(&user.last_name),
            email: email.then(|| user.email.clone()),
            email_verified: email.then_some(user.email_verified),
        }
    }
}

/// The claims of an ID token.
#[derive(Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The application.
    pub aud: ClientName<'a>,
    /// The user's claims.
    #[serde(flatten)]
    pub person: PersonClaims,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// The nonce of the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// When the user authenticated, in seconds; present only if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The session, for applications that are notified when it ends (OpenID Connect Back-Channel Logout §2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

impl<'a> IdTokenClaims<'a> {
    /// Creates the claims of a token issued now.
    pub fn new(iss: &'a str, aud: ClientName<'a>, person: PersonClaims, now: Timestamp) -> Self {
        let iat = now.as_secs();
        Self { iss, aud, person, iat, exp: iat + ID_TOKEN_LIFETIME, nonce: None, auth_time: None, sid: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn user() -> User {
        let epoch = Timestamp::from_millis(0);
        User {
            id: Id::from_ulid(1),
            email: "ada@example.com".into(),
            email_verified: true,
            first_name: Some("Ada".into()),
            last_name: None,
            name: None,
            profile_picture_url: None,
            external_id: None,
            metadata: Default::default(),
            locale: None,
            last_sign_in_at: None,
            created_at: epoch,
            updated_at: epoch,
        }
    }

    fn keys(scopes: &str) -> Vec<String> {
        let claims = serde_json::to_value(PersonClaims::new("user-1".to_owned(), &user(), scopes.split(' '))).unwrap();
        claims.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn scopes_decide_what_is_told() {
        assert_eq!(keys("openid"), ["sub"]);
        assert_eq!(keys("openid email"), ["email", "email_verified", "sub"]);
        assert_eq!(keys("openid profile"), ["given_name", "name", "sub"], "what has no value is left out");
    }
}
