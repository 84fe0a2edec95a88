//! The errors of `POST /user_management/authenticate` and what belongs to it. Four shapes coexist, and clients tell them
//! apart: a code with a message, OAuth's two members, a step that is still missing, and those of the management API.

use crate::id::{AuthFactorId, EmailVerificationId, OrganizationId};
use crate::management::error::ApiError;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use serde_json::{Value, json};
use std::borrow::Cow;

/// An error.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthenticateError {
    /// 400 with `code` and `message`.
    Code(&'static str, Cow<'static, str>),
    /// 400 with `error` and `error_description`.
    OAuth(&'static str, Cow<'static, str>),
    /// 403: who it is has been proven, and something is missing.
    StepUp(Box<StepUp>),
    /// As the management API tells it: 422, 429, 500, 503.
    Api(ApiError),
}

/// What is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum StepUp {
    /// A proof that the address is theirs.
    EmailVerification {
        /// With which to go on.
        pending_authentication_token: String,
        /// Where the code went.
        email: String,
        /// The verification that has begun.
        email_verification_id: EmailVerificationId,
    },
    /// A second factor: here everybody needs one.
    MfaEnrollment {
        /// With which to go on.
        pending_authentication_token: String,
        /// The person, as the API shows them.
        user: Value,
    },
    /// A code of a second factor.
    MfaChallenge {
        /// With which to go on.
        pending_authentication_token: String,
        /// The person, as the API shows them.
        user: Value,
        /// Those of which a code counts.
        factors: Vec<AuthFactorId>,
    },
    /// Which of several organizations.
    OrganizationSelection {
        /// With which to go on.
        pending_authentication_token: String,
        /// The person, as the API shows them.
        user: Value,
        /// Those there are to choose from.
        organizations: Vec<(OrganizationId, String)>,
    },
}

impl AuthenticateError {
    /// The client is unknown, or has not proven itself. One sentence for both.
    pub fn invalid_client() -> Self {
        Self::OAuth("invalid_client", "Invalid client ID or secret.".into())
    }

    /// A code or token that is not good.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::OAuth("invalid_grant", description.into())
    }

    /// A verifier for a code that has no challenge: taking it for nothing would let an attacker turn PKCE off.
    pub fn code_challenge_not_found() -> Self {
        Self::Code("code_challenge_not_found", "There was no code_challenge for this code_verifier.".into())
    }

    /// A wrong address or a wrong password: nothing tells which.
    pub fn invalid_credentials(email: &str) -> Self {
        Self::Code("invalid_credentials", format!("The credentials for '{email}' are not valid.").into())
    }

    /// A pending authentication that is unknown, too old, used, or of a person who has changed since.
    pub fn invalid_pending_authentication_token() -> Self {
        Self::Code(
            "invalid_pending_authentication_token",
            "The pending authentication token is unknown, expired or used.".into(),
        )
    }

    /// An organization that the person does not belong to, whether it exists or not.
    pub fn not_a_member() -> Self {
        Self::OAuth(
            "organization_membership_not_found",
            "The user is not an active member of this organization.".into(),
        )
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Code(..) | Self::OAuth(..) => 400,
            Self::StepUp(_) => 403,
            Self::Api(error) => error.status(),
        }
    }

    /// The body.
    pub fn body(&self) -> Value {
        match self {
            Self::Code(code, message) => json!({"code": code, "message": message}),
            Self::OAuth(error, description) => json!({"error": error, "error_description": description}),
            Self::StepUp(step) => step.body(),
            Self::Api(error) => error.body(),
        }
    }
}

impl StepUp {
    fn body(&self) -> Value {
        match self {
            Self::EmailVerification { pending_authentication_token, email, email_verification_id } => json!({
                "code": "email_verification_required",
                "message": "The email address has to be verified before the user can sign in.",
                "pending_authentication_token": pending_authentication_token,
                "email": email,
                "email_verification_id": email_verification_id,
            }),
            Self::MfaEnrollment { pending_authentication_token, user } => json!({
                "code": "mfa_enrollment",
                "message": "The user has to set up a second factor before they can sign in.",
                "pending_authentication_token": pending_authentication_token,
                "user": user,
            }),
            Self::MfaChallenge { pending_authentication_token, user, factors } => json!({
                "code": "mfa_challenge",
                "message": "The user has to give a code of their second factor.",
                "pending_authentication_token": pending_authentication_token,
                "user": user,
                "authentication_factors": factors.iter().map(|id| json!({"id": id, "type": "totp"})).collect::<Vec<_>>(),
            }),
            Self::OrganizationSelection { pending_authentication_token, user, organizations } => json!({
                "code": "organization_selection_required",
                "message": "The user has to choose an organization to sign in to.",
                "pending_authentication_token": pending_authentication_token,
                "user": user,
                "organizations": organizations.iter().map(|(id, name)| json!({"id": id, "name": name})).collect::<Vec<_>>(),
            }),
        }
    }
}

impl From<ApiError> for AuthenticateError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<OAuthError> for AuthenticateError {
    fn from(error: OAuthError) -> Self {
        match error.code {
            OAuthErrorCode::TooManyRequests => {
                Self::Api(ApiError::RateLimited { retry_after: error.retry_after.unwrap_or(1) })
            }
            OAuthErrorCode::TemporarilyUnavailable => Self::Api(ApiError::Unavailable),
            OAuthErrorCode::ServerError => Self::Api(ApiError::Internal),
            OAuthErrorCode::RequestTooLarge => Self::Api(ApiError::TooLarge),
            code => Self::OAuth(code.as_str(), error.description),
        }
    }
}
