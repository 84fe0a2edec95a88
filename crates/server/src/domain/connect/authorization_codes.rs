//! Authorization codes: a code's value is its sealed content. Nothing is stored when one is issued; redeeming it
//! records it, so that it is redeemed only once.

use crate::domain::Failure;
use crate::entropy::Entropy;
use crate::keys::keyring::Keyring;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::AuthorizationCode;

/// The sealing purpose.
const PURPOSE: &str = "authorization code";

/// Seals an authorization code into its value.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn seal(
    keyring: &Keyring,
    entropy: &Entropy,
    environment_id: EnvironmentId,
    code: &AuthorizationCode,
) -> Result<String, Failure> {
    let text = serde_json::to_vec(code).map_err(Failure::internal)?;
    let nonce = entropy.bytes().map_err(Failure::internal)?;
    let sealed = keyring.sealed_authorization_code.seal(&[PURPOSE, &environment_id.to_string()], &text, nonce);
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(Failure::internal)?))
}

/// Opens a code's value; returns `None` if it was not issued here for this environment. Each code has exactly one
/// value: another encoding of the same bytes does not decode, and other bytes do not open.
pub fn open(keyring: &Keyring, environment_id: EnvironmentId, value: &str) -> Option<AuthorizationCode> {
    let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
    let text = keyring.sealed_authorization_code.open(&[PURPOSE, &environment_id.to_string()], &sealed).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;
    use countersign_protocol::model::Persona;
    use countersign_protocol::oauth::authorize::carried_scopes::CarriedScopes;
    use countersign_protocol::oauth::pkce::CodeChallenge;
    use countersign_protocol::time::Timestamp;
    use proptest::prelude::*;

    fn sample(nonce: Option<String>, choices: Vec<(String, String)>) -> AuthorizationCode {
        AuthorizationCode {
            consent_id: Id::from_ulid(1),
            application_id: Id::from_ulid(2),
            user_id: Id::from_ulid(3),
            organization_id: nonce.as_ref().map(|_| Id::from_ulid(4)),
            session_id: None,
            redirect_uri: "https://a.example/cb?x=ü".to_owned(),
            scopes: CarriedScopes::These(vec!["openid".to_owned(), "docs:read".to_owned()]),
            resource: String::new(),
            code_challenge: nonce.as_ref().map(|_| CodeChallenge::from_stored("c".repeat(43))),
            nonce,
            persona: Persona { subject: None, choices: choices.into_iter().collect() },
            authenticated_at: Timestamp::from_millis(1_000),
            show_auth_time: true,
            expires_at: Timestamp::from_millis(61_000),
        }
    }

    fn keyring() -> Keyring {
        Keyring::new(b"a data key of a test, 32 bytes..").unwrap()
    }

    fn environments() -> (EnvironmentId, EnvironmentId) {
        (Id::from_ulid(1), Id::from_ulid(2))
    }

    proptest! {
        #[test]
        fn a_code_stands_for_what_was_sealed(
            nonce: Option<String>,
            choices in prop::collection::vec((".{0,8}", ".{0,8}"), 0..3),
        ) {
            let (here, _) = environments();
            let code = sample(nonce, choices);
            let value = seal(&keyring(), &Entropy::default(), here, &code).unwrap();
            prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(open(&keyring(), here, &value), Some(code));
        }

        #[test]
        fn another_text_is_no_code(at: prop::sample::Index, other in "[A-Za-z0-9_=-]") {
            let (here, _) = environments();
            let value = seal(&keyring(), &Entropy::default(), here, &sample(None, Vec::new())).unwrap();
            let at = at.index(value.len());
            let mut altered = value.clone();
            altered.replace_range(at..=at, &other);
            prop_assert_eq!(open(&keyring(), here, &altered).is_some(), altered == value);
            prop_assert_eq!(open(&keyring(), here, &format!("{value}{other}")), None);
            prop_assert_eq!(open(&keyring(), here, &value[..at]), None);
        }

        #[test]
        fn noise_is_no_code(noise in "\\PC{0,200}") {
            prop_assert_eq!(open(&keyring(), environments().0, &noise), None);
        }
    }

    #[test]
    fn threat_38_a_code_of_one_environment_is_none_in_another() {
        let (here, elsewhere) = environments();
        let value = seal(&keyring(), &Entropy::default(), here, &sample(None, Vec::new())).unwrap();
        assert_eq!(open(&keyring(), elsewhere, &value), None);
        let other = Keyring::new(b"another data key, 32 bytes......").unwrap();
        assert_eq!(open(&other, here, &value), None);
    }
}
