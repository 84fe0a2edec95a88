//! The claims of access tokens (RFC 9068 §2.2 where compatible).

use crate::id::{ClientId, ClientSecretId, ConsentId, OrganizationId, TokenFamilyId, TokenId};
use crate::jwt_template::RESERVED;
use crate::management::consent_options::is_reserved;
use crate::model::{Choices, KeyPurpose};
use crate::oauth::client::Client;
use crate::oauth::client_name::ClientName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claims of a machine-to-machine access token, as signed.
#[derive(Debug, Serialize)]
pub struct MachineTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The environment's client ID.
    pub aud: ClientId,
    /// The application's client ID: the machine is its own subject.
    pub sub: ClientId,
    /// The application's client ID (RFC 8693 §4.3).
    pub client_id: ClientId,
    /// The organization the machine acts for.
    pub org_id: OrganizationId,
    /// The granted scopes, space-separated; absent when there are none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// Our extension: the client secret used to obtain the token; deleting it invalidates the token.
    pub credential_id: ClientSecretId,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// The claims of a user's access token, as signed.
#[derive(Debug, Serialize)]
pub struct UserTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The authorized resource, or the environment's client ID.
    pub aud: &'a str,
    /// The user.
    pub sub: &'a str,
    /// The application the token was issued to (RFC 8693 §4.3).
    pub client_id: ClientName<'a>,
    /// The selected organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrganizationId>,
    /// The consent the token is based on.
    pub sid: ConsentId,
    /// The granted scopes, space-separated; absent when there are none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// Our extension: the authorization the token is based on; ending it invalidates the token.
    pub grant_id: TokenFamilyId,
    /// The actor, if the token came from a token exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'a Actor>,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// The actor in a token (RFC 8693 §4.1), with any prior actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The application's client ID.
    pub sub: ClientId,
    /// The client secret the actor presented; deleting it invalidates the tokens it obtained by exchange.
    pub credential_id: ClientSecretId,
    /// The prior actor, whose token this one exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// The number of actors in the chain.
    pub fn length(&self) -> usize {
        self.chain().count()
    }

    /// Iterates over this actor and all prior actors.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |actor| actor.act.as_deref())
    }

    /// Whether the actor is this client and the secret it presented still exists.
    pub fn is_valid_for(&self, client: &Client) -> bool {
        client.application.client_id == self.sub && client.secrets.iter().any(|one| one.id == self.credential_id)
    }
}

/// Claims that no template can set: what a token permits, and what it is based on.
pub const PROTECTED: [&str; 6] = ["client_id", "scope", "sid", "grant_id", "credential_id", "act"];

/// Merges a token's own claims with those of a template and the user's choices. Template values win, except for
/// [`RESERVED`] and [`PROTECTED`] claims, even those the token does not have. The user's choices win over both, except
/// for reserved claims: the user made them and was told about them.
pub fn with_template(
    own: &impl Serialize,
    template: Map<String, Value>,
    choices: &Choices,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut claims = match serde_json::to_value(own)? {
        Value::Object(claims) => claims,
        _ => Map::new(),
    };
    let may = |name: &str| !RESERVED.contains(&name) && !PROTECTED.contains(&name);
    claims.extend(template.into_iter().filter(|(name, _)| may(name)));
    let chosen = choices.iter().filter(|(claim, _)| !is_reserved(claim));
    claims.extend(chosen.map(|(claim, value)| (claim.clone(), Value::from(value.as_str()))));
    Ok(claims)
}

/// The claims of one of our access tokens, as read back. Claims that a template may have set do not affect whether the
/// token is valid and may have any type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The audience; a template may have set it.
    pub aud: Value,
    /// The subject.
    pub sub: String,
    /// The client the token was issued to.
    pub client_id: String,
    /// The organization the token is for; a template may have set it.
    pub org_id: Option<Value>,
    /// The granted scopes, space-separated.
    pub scope: Option<String>,
    /// The client secret a machine's token is based on.
    pub credential_id: Option<ClientSecretId>,
    /// The consent a user's token is based on.
    pub sid: Option<ConsentId>,
    /// The authorization a user's token is based on.
    pub grant_id: Option<TokenFamilyId>,
    /// The actor, if the token came from a token exchange.
    pub act: Option<Actor>,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

impl AccessTokenClaims {
    /// The purpose of the keys that sign such tokens: delegated if the token is based on a user's authorization.
    pub const fn signed_for(&self) -> KeyPurpose {
        if self.grant_id.is_some() { KeyPurpose::Delegated } else { KeyPurpose::Direct }
    }
}
