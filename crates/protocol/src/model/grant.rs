//! What users have consented to, and what was issued as a result.

use super::Choices;
use crate::id::{ApplicationId, ConsentId, OrganizationId, SessionId, TokenFamilyId, UserId};
use crate::oauth::authorize::carried_scopes::CarriedScopes;
use crate::oauth::pkce::CodeChallenge;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a user appears in the tokens of one authorization if they signed in elsewhere (Standalone Connect). Fixed when
/// the authorization is given, for its whole lifetime; empty for all other users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The subject; `None` means the user's own identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The user's choices, one claim each.
    #[serde(default, skip_serializing_if = "Choices::is_empty")]
    pub choices: Choices,
}

impl Persona {
    /// The subject of tokens about this user.
    pub fn subject_of(&self, user_id: UserId) -> String {
        self.subject.clone().unwrap_or_else(|| user_id.to_string())
    }
}

/// A user's consent for an application. First-party applications have one too, although the user is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its identifier: the `sid` of OAuth tokens.
    pub id: ConsentId,
    /// The user who gave it.
    pub user_id: UserId,
    /// The application it is for.
    pub application_id: ApplicationId,
    /// The organization it is for.
    pub organization_id: Option<OrganizationId>,
    /// The resource it is for; empty for none.
    pub resource: String,
    /// The scopes consented to.
    pub scopes: Vec<String>,
    /// The choices made most recently.
    pub choices: Choices,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The contents of an authorization code (RFC 6749 §4.1.2). The code is this value, sealed: it is short-lived, and
/// nothing is stored until it is redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The consent it is based on.
    #[serde(rename = "c")]
    pub consent_id: ConsentId,
    /// The application it was issued to.
    #[serde(rename = "a")]
    pub application_id: ApplicationId,
    /// The user who signed in.
    #[serde(rename = "u")]
    pub user_id: UserId,
    /// The organization it is for.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The session it was issued in.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The redirect URI it was sent to.
    #[serde(rename = "r")]
    pub redirect_uri: String,
    /// The granted scopes.
    #[serde(rename = "g")]
    pub scopes: CarriedScopes,
    /// The resource it is for; empty for none.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// The nonce, copied into the ID token.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The PKCE challenge.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<CodeChallenge>,
    /// How the user appears in its tokens.
    #[serde(flatten)]
    pub persona: Persona,
    /// When the user authenticated.
    #[serde(rename = "i")]
    pub authenticated_at: Timestamp,
    /// Whether the ID token must include `auth_time`.
    #[serde(rename = "w")]
    pub show_auth_time: bool,
    /// When it expires.
    #[serde(rename = "e")]
    pub expires_at: Timestamp,
}

/// The result of one authorization: a redeemed code or device authorization, and the chain of refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its identifier: the `grant_id` of access tokens.
    pub id: TokenFamilyId,
    /// The consent it is based on.
    pub consent_id: ConsentId,
    /// The application the tokens belong to.
    pub application_id: ApplicationId,
    /// The user the tokens are about.
    pub user_id: UserId,
    /// The organization they are for.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it started.
    pub session_id: Option<SessionId>,
    /// The resource they are for; empty for none.
    pub resource: String,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// How the user appears in the tokens.
    pub persona: Persona,
    /// When the user authenticated.
    pub authenticated_at: Timestamp,
    /// Whether its ID tokens must include `auth_time`: `max_age` was requested (OpenID Connect Core §2).
    pub shows_auth_time: bool,
    /// The number of the current refresh token; 0 if there is none.
    pub generation: i64,
    /// When that token became the current one.
    pub rotated_at: Timestamp,
    /// When it expires if it is not used.
    pub idle_expires_at: Timestamp,
    /// When it expires regardless of use.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}
