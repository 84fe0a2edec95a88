//! The OAuth error codes (RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8707 §2), each with the status its specification assigns.

use std::borrow::Cow;

/// An OAuth error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthErrorCode {
    /// The request is malformed, incomplete, or repeats a parameter (RFC 6749 §5.2).
    InvalidRequest,
    /// The client is unknown or failed to authenticate (RFC 6749 §5.2).
    InvalidClient,
    /// The presented code or token is invalid (RFC 6749 §5.2).
    InvalidGrant,
    /// This client may not use this grant (RFC 6749 §5.2).
    UnauthorizedClient,
    /// The grant type is not supported (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The scope is malformed or not available to this client (RFC 6749 §5.2).
    InvalidScope,
    /// The resource is unknown or not the authorized one (RFC 8707 §2).
    InvalidTarget,
    /// The user has not answered yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device polls too often (RFC 8628 §3.5).
    SlowDown,
    /// The user denied the request (RFC 8628 §3.5).
    AccessDenied,
    /// The device code has expired (RFC 8628 §3.5).
    ExpiredToken,
    /// The access token would be too large because of the environment's template.
    TokenTooBig,
    /// A redirect URI cannot be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// The client metadata cannot be registered (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// Client self-registration is disabled.
    RegistrationDisabled,
    /// The request body is too large.
    RequestTooLarge,
    /// Too many requests; see `Retry-After`.
    TooManyRequests,
    /// An internal error.
    ServerError,
    /// The server is temporarily unable to respond.
    TemporarilyUnavailable,
}

impl OAuthErrorCode {
    /// The code as sent on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            // RFC 6749 has no separate code for a body that is too large; the status conveys it.
            Self::InvalidRequest | Self::RequestTooLarge => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::TokenTooBig => "token_too_big",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::RegistrationDisabled => "dynamic_client_registration_disabled",
            Self::TooManyRequests => "too_many_requests",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::RegistrationDisabled => 403,
            Self::RequestTooLarge => 413,
            Self::TooManyRequests => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::AccessDenied
            | Self::ExpiredToken
            | Self::TokenTooBig
            | Self::InvalidRedirectUri
            | Self::InvalidClientMetadata => 400,
        }
    }
}

/// An OAuth error: the code, and a description for the client's developer. Neither reveals anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// The code.
    pub code: OAuthErrorCode,
    /// The description.
    pub description: Cow<'static, str>,
    /// Whole seconds until a retry is worthwhile, if the error is about rate limiting.
    pub retry_after: Option<u64>,
}

impl OAuthError {
    /// Creates an error with a description.
    pub fn new(code: OAuthErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into(), retry_after: None }
    }

    /// [`OAuthErrorCode::InvalidRequest`] with a description.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }

    /// [`OAuthErrorCode::TooManyRequests`], to be retried after this many seconds.
    pub fn too_many_requests(retry_after: u64) -> Self {
        let description = "Rate limit exceeded. Try again after the time given in Retry-After.";
        Self { retry_after: Some(retry_after), ..Self::new(OAuthErrorCode::TooManyRequests, description) }
    }

    /// `invalid_grant`, with a description that reveals nothing secret.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(OAuthErrorCode::InvalidGrant, description)
    }

    /// `unauthorized_client`, for a client that has not registered this grant.
    pub fn not_registered() -> Self {
        Self::new(OAuthErrorCode::UnauthorizedClient, "The client has not registered this grant type.")
    }

    /// [`OAuthErrorCode::InvalidClient`]. Every client authentication failure has the same description, so that an
    /// outsider cannot tell an unknown client from a wrong secret.
    pub fn invalid_client() -> Self {
        Self::new(OAuthErrorCode::InvalidClient, "Invalid client ID or secret.")
    }
}
