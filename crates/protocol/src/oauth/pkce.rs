//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use super::error::OAuthError;
use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A code challenge: the SHA-256 of a verifier that only the client knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads the challenge of an authorization request; `None` if it has none.
    ///
    /// # Errors
    /// `invalid_request` for a method other than `S256`, for only one of the two parameters, and for a challenge that
    /// is not a SHA-256 digest (RFC 7636 §4.2, §4.3).
    pub fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, OAuthError> {
        match (challenge, method) {
            (None, None) => Ok(None),
            (Some(challenge), Some("S256")) if URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32) => {
                Ok(Some(Self(challenge.to_owned())))
            }
            (Some(_), Some("S256")) => {
                Err(OAuthError::invalid_request("The code_challenge is not a SHA-256 in base64url."))
            }
            (None, Some(_)) => Err(OAuthError::invalid_request("The code_challenge is missing.")),
            (Some(_), _) => Err(OAuthError::invalid_request("The code_challenge_method must be S256.")),
        }
    }

    /// Restores a challenge that was read earlier and stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The challenge's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the verifier of a token request against the challenge of the authorization request.
///
/// # Errors
/// `invalid_grant` when one of the two is missing or they do not match; `invalid_request` for a malformed verifier
/// (RFC 7636 §4.1).
pub fn verify(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) => {
            let well_formed = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            if !well_formed {
                return Err(OAuthError::invalid_request("The code_verifier is not of the form of RFC 7636."));
            }
            let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
            constant_time::verify_slices_are_equal(hash.as_bytes(), challenge.0.as_bytes())
                .map_err(|_| OAuthError::invalid_grant("The code_verifier does not match the code_challenge."))
        }
        (Some(_), None) => Err(OAuthError::invalid_grant("The code_verifier is missing.")),
        // Ignoring the verifier would let an attacker disable PKCE.
        (None, Some(_)) => Err(OAuthError::invalid_grant("There was no code_challenge for this code_verifier.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::error::OAuthErrorCode;

    // The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge() -> CodeChallenge {
        CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap().unwrap()
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        assert_eq!(verify(Some(&challenge()), Some(VERIFIER)), Ok(()));
    }

    #[test]
    fn threat_29_pkce_cannot_be_turned_off() {
        fn code(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), OAuthErrorCode> {
            verify(challenge, verifier).map_err(|error| error.code)
        }
        assert_eq!(code(Some(&challenge()), None), Err(OAuthErrorCode::InvalidGrant));
        assert_eq!(code(None, Some(VERIFIER)), Err(OAuthErrorCode::InvalidGrant));
        assert_eq!(code(Some(&challenge()), Some(&VERIFIER.replace('d', "e"))), Err(OAuthErrorCode::InvalidGrant));
        assert_eq!(code(Some(&challenge()), Some("short")), Err(OAuthErrorCode::InvalidRequest));
        assert_eq!(code(None, None), Ok(()));
    }

    #[test]
    fn only_s256_and_both_or_neither() {
        for (challenge, method) in [
            (Some(CHALLENGE), None),
            (Some(CHALLENGE), Some("plain")),
            (None, Some("S256")),
            (Some("too-short"), Some("S256")),
            (Some(VERIFIER.trim_end_matches('k')), Some("S256")),
        ] {
            assert!(CodeChallenge::read(challenge, method).is_err(), "{challenge:?} {method:?}");
        }
    }
}
