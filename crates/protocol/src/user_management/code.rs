//! When an authorization code issued to the environment's own application is valid.

use super::error::AuthenticateError;
use crate::id::SessionFamilyId;
use crate::model::SessionCode;
use crate::oauth::pkce;
use crate::time::Timestamp;

/// The lifetime of a code, in seconds.
pub const CODE_LIFETIME: i64 = 600;

/// Why a code is not redeemed.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// The request is wrong; the code is not consumed.
    Wrong(AuthenticateError),
    /// The code was redeemed before: the session family it started must be ended.
    Replayed(SessionFamilyId),
}

/// One description for every invalid code, so that it does not reveal which codes exist.
pub fn rejection() -> AuthenticateError {
    AuthenticateError::invalid_grant("The authorization code is unknown, expired or used.")
}

/// Checks a code against the accompanying parameters. `secret_proven` is whether the client authenticated with its
/// secret.
///
/// # Errors
/// See [`Refused`].
pub fn redeem(
    code: &SessionCode,
    (code_verifier, redirect_uri): (Option<&str>, Option<&str>),
    secret_proven: bool,
    now: Timestamp,
) -> Result<(), Refused> {
    let wrong = |error: AuthenticateError| Err(Refused::Wrong(error));
    if code.code_challenge.is_none() && code_verifier.is_some() {
        return wrong(AuthenticateError::code_challenge_not_found());
    }
    // Checked first: someone who cannot prove that the code is theirs must not be able to end anything with it.
    if let Err(error) = pkce::verify(code.code_challenge.as_ref(), code_verifier) {
        return wrong(error.into());
    }
    if !secret_proven && code.code_challenge.is_none() {
        return wrong(AuthenticateError::invalid_client());
    }
    if redirect_uri.is_some_and(|uri| uri != code.redirect_uri) {
        return wrong(rejection());
    }
    if let Some(family_id) = code.family_id {
        return Err(Refused::Replayed(family_id));
    }
    if now >= code.expires_at { wrong(rejection()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::oauth::pkce::CodeChallenge;
    use crate::secret::DigestKey;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn code(challenge: bool) -> SessionCode {
        SessionCode {
            digest: DigestKey::new(&[1; 32]).digest("code"),
            session_id: Id::from_ulid(1),
            organization_id: None,
            redirect_uri: "https://a.example/cb".into(),
            code_challenge: challenge.then(|| CodeChallenge::from_stored(CHALLENGE.into())),
            family_id: None,
            expires_at: Timestamp::from_millis(600_000),
        }
    }

    fn outcome(code: &SessionCode, verifier: Option<&str>, secret: bool, now: i64) -> Result<(), &'static str> {
        redeem(code, (verifier, None), secret, Timestamp::from_millis(now * 1000)).map_err(|refused| match refused {
            Refused::Replayed(_) => "replayed",
            Refused::Wrong(AuthenticateError::OAuth(code, _) | AuthenticateError::Code(code, _)) => code,
            Refused::Wrong(_) => "other",
        })
    }

    #[test]
    fn threat_29_a_code_needs_the_secret_or_its_verifier() {
        assert_eq!(outcome(&code(false), None, true, 1), Ok(()));
        assert_eq!(outcome(&code(true), Some(VERIFIER), false, 1), Ok(()));
        assert_eq!(outcome(&code(true), Some(VERIFIER), true, 1), Ok(()));
        assert_eq!(outcome(&code(true), None, true, 1), Err("invalid_grant"));
        assert_eq!(outcome(&code(true), None, false, 1), Err("invalid_grant"));
        assert_eq!(outcome(&code(true), Some(&VERIFIER.replace('d', "e")), true, 1), Err("invalid_grant"));
        assert_eq!(outcome(&code(false), Some(VERIFIER), true, 1), Err("code_challenge_not_found"));
        assert_eq!(outcome(&code(false), Some(VERIFIER), false, 1), Err("code_challenge_not_found"));
        assert_eq!(outcome(&code(false), None, false, 1), Err("invalid_client"));
    }

    #[test]
    fn a_code_is_good_once_and_for_a_while() {
        assert_eq!(outcome(&code(true), Some(VERIFIER), false, 599), Ok(()));
        assert_eq!(outcome(&code(true), Some(VERIFIER), false, 600), Err("invalid_grant"));
        let used = SessionCode { family_id: Some(Id::from_ulid(2)), ..code(true) };
        assert_eq!(outcome(&used, Some(VERIFIER), false, 1), Err("replayed"));
        assert_eq!(outcome(&used, None, false, 1), Err("invalid_grant"), "a stranger ends nothing");
        let elsewhere = redeem(&code(false), (None, Some("https://b.example/cb")), true, Timestamp::from_millis(0));
        assert_eq!(elsewhere, Err(Refused::Wrong(rejection())));
    }
}
