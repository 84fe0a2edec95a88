//! The token request (RFC 6749 §3.2): one variant per grant type. Adding a grant starts here.

use super::error::{OAuthError, OAuthErrorCode};
use super::params::Params;
use crate::model::RegisteredGrant;

/// The supported grant types, as listed in discovery.
pub const GRANT_TYPES: [&str; 5] =
    ["authorization_code", "client_credentials", "refresh_token", DEVICE_CODE, TOKEN_EXCHANGE];

/// The grant type of RFC 8628.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The grant type of RFC 8693.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A token exchange request (RFC 8693 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRequest<'a> {
    /// The token being exchanged.
    pub subject_token: &'a str,
    /// Its type.
    pub subject_token_type: &'a str,
    /// The requested token type.
    pub requested_token_type: Option<&'a str>,
    /// Whether the request included an actor token.
    pub has_actor: bool,
    /// The intended audience of the new token: every `resource` and `audience`.
    pub targets: Vec<&'a str>,
    /// The requested scope; absent means the scope of the exchanged token.
    pub scope: Option<&'a str>,
}

/// A token request with well-formed parameters. Nothing has been decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest<'a> {
    /// RFC 6749 §4.4.
    ClientCredentials {
        /// The requested scope; absent means everything assigned to the client.
        scope: Option<&'a str>,
    },
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        /// The code.
        code: &'a str,
        /// The redirect URI the code was sent to.
        redirect_uri: Option<&'a str>,
        /// The PKCE verifier.
        code_verifier: Option<&'a str>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The code.
        device_code: &'a str,
    },
    /// RFC 8693.
    TokenExchange(ExchangeRequest<'a>),
    /// RFC 6749 §6.
    RefreshToken {
        /// The token.
        refresh_token: &'a str,
        /// The requested scope; absent means everything that was granted.
        scope: Option<&'a str>,
    },
}

impl<'a> TokenRequest<'a> {
    /// The request's grant, if a client can register it itself. For other grants, the kind of client decides.
    pub fn registered_grant(&self) -> Option<RegisteredGrant> {
        match self {
            Self::AuthorizationCode { .. } => Some(RegisteredGrant::Code),
            Self::RefreshToken { .. } => Some(RegisteredGrant::Refresh),
            Self::DeviceCode { .. } => Some(RegisteredGrant::Device),
            Self::ClientCredentials { .. } | Self::TokenExchange(_) => None,
        }
    }

    /// Reads the grant type and the parameters of that grant.
    ///
    /// # Errors
    /// `invalid_request` without a grant type, `unsupported_grant_type` for an unsupported one.
    pub fn parse(params: &'a Params<'_>) -> Result<Self, OAuthError> {
        match params.require("grant_type")? {
            "client_credentials" => Ok(Self::ClientCredentials { scope: params.get("scope") }),
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: params.require("code")?,
                redirect_uri: params.get("redirect_uri"),
                code_verifier: params.get("code_verifier"),
            }),
            DEVICE_CODE => Ok(Self::DeviceCode { device_code: params.require("device_code")? }),
            TOKEN_EXCHANGE => Ok(Self::TokenExchange(ExchangeRequest {
                subject_token: params.require("subject_token")?,
                subject_token_type: params.require("subject_token_type")?,
                requested_token_type: params.get("requested_token_type"),
                has_actor: params.get("actor_token").is_some() || params.get("actor_token_type").is_some(),
                targets: [params.all("resource"), params.all("audience")].concat(),
                scope: params.get("scope"),
            })),
            "refresh_token" => {
                Ok(Self::RefreshToken { refresh_token: params.require("refresh_token")?, scope: params.get("scope") })
            }
            _ => Err(OAuthError::new(
                OAuthErrorCode::UnsupportedGrantType,
                "The grant type is not one this server supports.",
            )),
        }
    }
}
