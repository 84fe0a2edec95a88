//! The claims of access tokens (RFC 9068 §2.2 where compatible).

use crate::id::{ClientId, ClientSecretId, ConsentId, OrganizationId, TokenFamilyId, TokenId};
use crate::jwt_template::RESERVED;
use crate::management::consent_options::is_reserved;
use crate::model::{Choices, KeyPurpose};
use crate::oauth::client::Client;
use crate::oauth::client_name::ClientName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claims of a machine's access token, as they are signed.
#[derive(Debug, Serialize)]
pub struct MachineTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The environment's client id.
    pub aud: ClientId,
    /// The application's client id: the machine is its own subject.
    pub sub: ClientId,
    /// The application's client id (RFC 8693 §4.3).
    pub client_id: ClientId,
    /// The organization it acts for.
    pub org_id: OrganizationId,
    /// What is granted, space-separated; absent when nothing is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// Our addition: the credential that stands behind the token, so that deleting it ends the token.
    pub credential_id: ClientSecretId,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// The claims of a person's access token, as they are signed.
#[derive(Debug, Serialize)]
pub struct UserTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The resource that was authorized, or the environment's client id.
    pub aud: &'a str,
    /// The person.
    pub sub: &'a str,
    /// The application it was issued to (RFC 8693 §4.3).
    pub client_id: ClientName<'a>,
    /// The organization that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrganizationId>,
    /// The consent that stands behind it.
    pub sid: ConsentId,
    /// What is granted, space-separated; absent when nothing is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// Our addition: the authorization behind the token, so that ending that ends the token.
    pub grant_id: TokenFamilyId,
    /// Who acts for the person, in a token that was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'a Actor>,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

/// Who acts for the subject of a token (RFC 8693 §4.1), and who acted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The client id of the application.
    pub sub: ClientId,
    /// The secret it has shown: what it has exchanged ends with that.
    pub credential_id: ClientSecretId,
    /// Whose token it exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// How many act for one another.
    pub fn length(&self) -> usize {
        self.chain().count()
    }

    /// This one, whom it acts for, and so on.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |actor| actor.act.as_deref())
    }

    /// Whether it is this client, and the secret it has shown is still there.
    pub fn stands(&self, client: &Client) -> bool {
        client.application.client_id == self.sub && client.secrets.iter().any(|one| one.id == self.credential_id)
    }
}

/// Claims that no template sets: what a token may do, and what stands behind it.
pub const PROTECTED: [&str; 6] = ["client_id", "scope", "sid", "grant_id", "credential_id", "act"];

/// The claims of a token with those of a template, and with what the person has chosen. A template's value wins, but for
/// what is [`RESERVED`] and [`PROTECTED`], also where the token has no such claim. What the person has chosen wins over
/// both: it is theirs, and they were told.
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

/// The claims of an access token of ours, as they are read back. What a template may have written says nothing about
/// whether the token stands, and may be of any form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The audience; a template may have written it.
    pub aud: Value,
    /// The subject.
    pub sub: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The organization it acts for; a template may have written it.
    pub org_id: Option<Value>,
    /// What is granted, space-separated.
    pub scope: Option<String>,
    /// The client secret that stands behind a machine's token.
    pub credential_id: Option<ClientSecretId>,
    /// The consent that stands behind a person's token.
    pub sid: Option<ConsentId>,
    /// The authorization that stands behind a person's token.
    pub grant_id: Option<TokenFamilyId>,
    /// Who acts for the person, in a token that was exchanged.
    pub act: Option<Actor>,
    /// The token's own identifier.
    pub jti: TokenId,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
}

impl AccessTokenClaims {
    /// Which keys sign such tokens: the authorization of a person stands behind what is delegated.
    pub const fn signed_for(&self) -> KeyPurpose {
        if self.grant_id.is_some() { KeyPurpose::Delegated } else { KeyPurpose::Direct }
    }
}
