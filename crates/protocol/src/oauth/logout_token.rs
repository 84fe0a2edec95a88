//! Logout tokens: notify an application that a user has signed out (OpenID Connect Back-Channel Logout 1.0 §2.4).

use super::client_name::ClientName;
use crate::id::TokenId;
use crate::time::Timestamp;
use serde::Serialize;

/// The lifetime of a logout token, in seconds: the longest its delivery may take.
pub const LOGOUT_TOKEN_LIFETIME: i64 = 120;

/// The claims of a logout token. There is no `nonce`, so it cannot be mistaken for an ID token.
#[derive(Debug, Serialize)]
pub struct LogoutTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The application being notified.
    pub aud: ClientName<'a>,
    /// The user who signed out.
    pub sub: &'a str,
    /// The session that ended, identified as in this application's ID tokens.
    pub sid: &'a str,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    events: LogoutEvent,
}

#[derive(Debug, Default, Serialize)]
struct LogoutEvent {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: Empty,
}

#[derive(Debug, Default, Serialize)]
struct Empty {}

impl<'a> LogoutTokenClaims<'a> {
    /// Creates the claims of a token issued now.
    pub fn new(iss: &'a str, aud: ClientName<'a>, sub: &'a str, sid: &'a str, jti: TokenId, now: Timestamp) -> Self {
        let iat = now.as_secs();
        Self { iss, aud, sub, sid, jti, iat, exp: iat + LOGOUT_TOKEN_LIFETIME, events: LogoutEvent::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use serde_json::json;

    #[test]
    fn a_logout_token_says_what_the_specification_asks_for_and_no_more() {
        let jti = serde_json::from_value::<TokenId>(json!("01JZ8Z5V3M6Q7R8S9TABCDEFGH")).unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let claims = LogoutTokenClaims::new(
            "https://auth.example.com",
            ClientName::Issued(Id::from_ulid(1)),
            "user_00000000000000000000000002",
            "s-1",
            jti,
            now,
        );
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            json!({
                "iss": "https://auth.example.com",
                "aud": "client_00000000000000000000000001",
                "sub": "user_00000000000000000000000002",
                "sid": "s-1",
                "jti": "01JZ8Z5V3M6Q7R8S9TABCDEFGH",
                "iat": 1000,
                "exp": 1120,
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            })
        );
    }
}
