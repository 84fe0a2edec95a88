//! `POST /user_management/authenticate`: one variant per grant type.

use super::error::AuthenticateError;
use crate::management::error::{ApiError, FieldError};
use crate::oauth::params::Params;
use crate::oauth::token::DEVICE_CODE;

/// A request with all required parameters. Nothing has been decided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// An authorization code returned through the browser.
    AuthorizationCode {
        /// The code.
        code: &'a str,
        /// The PKCE verifier.
        code_verifier: Option<&'a str>,
        /// The redirect URI the code was sent to; compared if present.
        redirect_uri: Option<&'a str>,
        /// The invitation being accepted.
        invitation_token: Option<&'a str>,
    },
    /// Email address and password.
    Password {
        /// The email address.
        email: &'a str,
        /// The password.
        password: &'a str,
        /// The invitation being accepted.
        invitation_token: Option<&'a str>,
    },
    /// Refreshes a session's tokens.
    RefreshToken {
        /// The token.
        refresh_token: &'a str,
        /// The organization to switch to; unchanged if absent.
        organization_id: Option<&'a str>,
    },
    /// A sign-in code sent by email.
    MagicAuth {
        /// The code.
        code: &'a str,
        /// The email address it was sent to.
        email: &'a str,
        /// The invitation being accepted.
        invitation_token: Option<&'a str>,
    },
    /// A code sent by email to verify an address.
    EmailVerification {
        /// The code.
        code: &'a str,
        /// Identifies the pending authentication.
        pending_authentication_token: &'a str,
    },
    /// A second-factor code.
    MfaTotp {
        /// The code.
        code: &'a str,
        /// Identifies the pending authentication.
        pending_authentication_token: &'a str,
        /// The challenge being answered.
        authentication_challenge_id: &'a str,
    },
    /// A choice among several organizations.
    OrganizationSelection {
        /// Identifies the pending authentication.
        pending_authentication_token: &'a str,
        /// The organization.
        organization_id: &'a str,
    },
    /// A device polling for its user's answer.
    DeviceCode {
        /// The code.
        device_code: &'a str,
    },
}

/// The proof a client must present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProof {
    /// Its secret.
    Secret,
    /// Its secret, or the PKCE verifier for the challenge of the authorization request.
    SecretOrVerifier,
    /// Nothing: the presented credential is proof in itself.
    Nothing,
}

impl<'a> Grant<'a> {
    /// Parses the grant type and that grant's parameters. `held` is the refresh token from the requesting page's
    /// cookie, if the browser sent one; it takes precedence over the parameter.
    ///
    /// # Errors
    /// 422 for missing parameters; `unsupported_grant_type`.
    pub fn parse(params: &'a Params<'_>, held: Option<&'a str>) -> Result<Self, AuthenticateError> {
        let mut missing = Vec::new();
        let mut require = |name: &'static str| {
            params.get(name).unwrap_or_else(|| {
                missing.push(FieldError::new(name, "required", format!("{name} is required.")));
                ""
            })
        };
        let invitation_token = params.get("invitation_token");
        let grant = match require("grant_type") {
            "" => None,
            "authorization_code" => Some(Self::AuthorizationCode {
                code: require("code"),
                code_verifier: params.get("code_verifier"),
                redirect_uri: params.get("redirect_uri"),
                invitation_token,
            }),
            "password" => {
                Some(Self::Password { email: require("email"), password: require("password"), invitation_token })
            }
            "refresh_token" => Some(Self::RefreshToken {
                refresh_token: held.unwrap_or_else(|| require("refresh_token")),
                organization_id: params.get("organization_id"),
            }),
            "urn:workos:oauth:grant-type:magic-auth:code" | "urn:workos:oauth:grant-type:magic-auth" => {
                Some(Self::MagicAuth { code: require("code"), email: require("email"), invitation_token })
            }
            "urn:workos:oauth:grant-type:email-verification:code"
            | "urn:workos:oauth:grant-type:email-verification" => Some(Self::EmailVerification {
                code: require("code"),
                pending_authentication_token: require("pending_authentication_token"),
            }),
            "urn:workos:oauth:grant-type:mfa-totp" => Some(Self::MfaTotp {
                code: require("code"),
                pending_authentication_token: require("pending_authentication_token"),
                authentication_challenge_id: require("authentication_challenge_id"),
            }),
            "urn:workos:oauth:grant-type:organization-selection" => Some(Self::OrganizationSelection {
                pending_authentication_token: require("pending_authentication_token"),
                organization_id: require("organization_id"),
            }),
            DEVICE_CODE => Some(Self::DeviceCode { device_code: require("device_code") }),
            _ => {
                return Err(AuthenticateError::OAuth(
                    "unsupported_grant_type",
                    "The grant type is not one this server supports.".into(),
                ));
            }
        };
        match grant.filter(|_| missing.is_empty()) {
            Some(grant) => Ok(grant),
            None => Err(ApiError::Validation(missing).into()),
        }
    }

    /// The proof the client must present.
    pub const fn client_proof(&self) -> ClientProof {
        match self {
            Self::AuthorizationCode { .. } => ClientProof::SecretOrVerifier,
            Self::RefreshToken { .. } | Self::DeviceCode { .. } => ClientProof::Nothing,
            Self::Password { .. }
            | Self::MagicAuth { .. }
            | Self::EmailVerification { .. }
            | Self::MfaTotp { .. }
            | Self::OrganizationSelection { .. } => ClientProof::Secret,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(form: &str, expected: Result<ClientProof, &str>) {
        let params = Params::from_form(form.as_bytes()).unwrap();
        let seen = Grant::parse(&params, None).map(|grant| grant.client_proof()).map_err(|error| match error {
            AuthenticateError::OAuth(code, _) => code.to_owned(),
            AuthenticateError::Api(ApiError::Validation(fields)) => {
                fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(seen, expected.map_err(str::to_owned), "{form}");
    }

    #[test]
    fn every_grant_names_what_it_needs() {
        check("grant_type=authorization_code&code=c", Ok(ClientProof::SecretOrVerifier));
        check("grant_type=password&email=a@b.co&password=p", Ok(ClientProof::Secret));
        check("grant_type=refresh_token&refresh_token=t", Ok(ClientProof::Nothing));
        check("grant_type=urn:workos:oauth:grant-type:magic-auth:code&code=1&email=a@b.co", Ok(ClientProof::Secret));
        check(
            "grant_type=urn:workos:oauth:grant-type:organization-selection&organization_id=o&pending_authentication_token=t",
            Ok(ClientProof::Secret),
        );
        check("grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=d", Ok(ClientProof::Nothing));
        check(
            "grant_type=urn:workos:oauth:grant-type:mfa-totp&code=1&pending_authentication_token=t&authentication_challenge_id=c",
            Ok(ClientProof::Secret),
        );
        check(
            "grant_type=urn:workos:oauth:grant-type:mfa-totp&code=1",
            Err("pending_authentication_token authentication_challenge_id"),
        );
        check("", Err("grant_type"));
        check("grant_type=password", Err("email password"));
        check("grant_type=authorization_code&code=", Err("code"));
        check("grant_type=urn:workos:oauth:grant-type:email-verification", Err("code pending_authentication_token"));
        check("grant_type=client_credentials", Err("unsupported_grant_type"));
    }

    proptest! {
        #[test]
        fn parsing_noise_never_panics(form in "(grant_type=[a-z_:-]{0,60}&)?\\PC{0,60}") {
            if let Ok(params) = Params::from_form(form.as_bytes()) {
                let _ = Grant::parse(&params, None);
            }
        }
    }
}
