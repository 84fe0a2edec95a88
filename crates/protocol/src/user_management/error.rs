//! The errors of `POST /user_management/authenticate` and related endpoints. Clients distinguish four formats: a code
//! with a message, OAuth's two members, a missing step, and the errors of the management API.

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
    /// 403: the user has authenticated, but a further step is required.
    StepUp(Box<StepUp>),
    /// As in the management API: 422, 429, 500, 503.
    Api(ApiError),
}

/// A further step required to sign in.
#[derive(Debug, Clone, PartialEq)]
pub enum StepUp {
    /// Verification of the email address.
    EmailVerification {
        /// The token to continue with.
        pending_authentication_token: String,
        /// The address the code was sent to.
        email: String,
        /// The verification that was started.
        email_verification_id: EmailVerificationId,
    },
    /// Enrollment of a second factor, which is mandatory here.
    MfaEnrollment {
        /// The token to continue with.
        pending_authentication_token: String,
        /// The user, as in API responses.
        user: Value,
    },
    /// A second-factor code.
    MfaChallenge {
        /// The token to continue with.
        pending_authentication_token: String,
        /// The user, as in API responses.
        user: Value,
        /// The factors whose codes are accepted.
        factors: Vec<AuthFactorId>,
    },
    /// A choice among several organizations.
    OrganizationSelection {
        /// The token to continue with.
        pending_authentication_token: String,
        /// The user, as in API responses.
        user: Value,
        /// The organizations to choose from.
        organizations: Vec<(OrganizationId, String)>,
    },
}

impl AuthenticateError {
    /// An unknown client, or one that failed to authenticate. Both have the same description.
    pub fn invalid_client() -> Self {
        Self::OAuth("invalid_client", "Invalid client ID or secret.".into())
    }

    /// An invalid code or token.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::OAuth("invalid_grant", description.into())
    }

    /// A verifier for a code without a challenge: ignoring it would let an attacker disable PKCE.
    pub fn code_challenge_not_found() -> Self {
        Self::Code("code_challenge_not_found", "There was no code_challenge for this code_verifier.".into())
    }

    /// A wrong email address or password, without revealing which.
    pub fn invalid_credentials(email: &str) -> Self {
        Self::Code("invalid_credentials", format!("The credentials for '{email}' are not valid.").into())
    }

    /// A pending authentication that is unknown, expired or used, or whose user has changed since.
    pub fn invalid_pending_authentication_token() -> Self {
        Self::Code(
            "invalid_pending_authentication_token",
            "The pending authentication token is unknown, expired or used.".into(),
        )
    }

    /// An organization that the user does not belong to, whether or not it exists.
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
