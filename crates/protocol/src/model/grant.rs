//! What people have allowed, and what was issued for it.

use super::Choices;
use crate::id::{ApplicationId, ConsentId, OrganizationId, SessionId, TokenFamilyId, UserId};
use crate::oauth::authorize::carried_scopes::CarriedScopes;
use crate::oauth::pkce::CodeChallenge;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a person appears in the tokens of one authorization, where they have signed in elsewhere (Standalone Connect).
/// Settled when it was given, and the same for as long as it lasts; empty for everybody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The subject; `None` is the person's own identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the person has chosen: a claim each.
    #[serde(default, skip_serializing_if = "Choices::is_empty")]
    pub choices: Choices,
}

impl Persona {
    /// The subject of tokens about this person.
    pub fn subject_of(&self, user_id: UserId) -> String {
        self.subject.clone().unwrap_or_else(|| user_id.to_string())
    }
}

/// What a person has allowed an application. First-party applications have one too, though nobody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its identifier: the `sid` of tokens.
    pub id: ConsentId,
    /// Who allowed it.
    pub user_id: UserId,
    /// To which application.
    pub application_id: ApplicationId,
    /// For which organization.
    pub organization_id: Option<OrganizationId>,
    /// For which resource; empty for none.
    pub resource: String,
    /// What was allowed.
    pub scopes: Vec<String>,
    /// What was chosen last.
    pub choices: Choices,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What an authorization code stands for (RFC 6749 §4.1.2). Its value is this, sealed: it is short-lived, and nothing is kept
/// until it is redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// What it stands on.
    #[serde(rename = "c")]
    pub consent_id: ConsentId,
    /// Whom it was issued to.
    #[serde(rename = "a")]
    pub application_id: ApplicationId,
    /// Who signed in.
    #[serde(rename = "u")]
    pub user_id: UserId,
    /// For which organization.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// In which session.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Where it was sent.
    #[serde(rename = "r")]
    pub redirect_uri: String,
    /// What it is good for.
    #[serde(rename = "g")]
    pub scopes: CarriedScopes,
    /// For which resource; empty for none.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Carried into the ID token.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The PKCE challenge.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<CodeChallenge>,
    /// How the person appears in its tokens.
    #[serde(flatten)]
    pub persona: Persona,
    /// When the person proved who they are.
    #[serde(rename = "i")]
    pub authenticated_at: Timestamp,
    /// Whether the ID token must say so.
    #[serde(rename = "w")]
    pub show_auth_time: bool,
    /// When it expires.
    #[serde(rename = "e")]
    pub expires_at: Timestamp,
}

/// What one authorization has led to: a code redeemed, and the refresh tokens that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its identifier: the `grant_id` of access tokens.
    pub id: TokenFamilyId,
    /// What it stands on.
    pub consent_id: ConsentId,
    /// Whose tokens.
    pub application_id: ApplicationId,
    /// About whom.
    pub user_id: UserId,
    /// For which organization.
    pub organization_id: Option<OrganizationId>,
    /// In which session it began.
    pub session_id: Option<SessionId>,
    /// For which resource; empty for none.
    pub resource: String,
    /// What its tokens are good for.
    pub scopes: Vec<String>,
    /// How the person appears in them.
    pub persona: Persona,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// Whether its ID tokens must say so: `max_age` was asked for (OpenID Connect Core §2).
    pub shows_auth_time: bool,
    /// The number of the refresh token that is good now; 0 when there is none.
    pub generation: i64,
    /// When that one became the good one.
    pub rotated_at: Timestamp,
    /// When it expires unless it is used.
    pub idle_expires_at: Timestamp,
    /// When it expires whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}
