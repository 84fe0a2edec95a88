//! Signing and verifying compact tokens (RFC 7515 §3.1, §5).

use super::Algorithm;
use crate::id::SigningKeyId;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// The maximum length of a token.
const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// A private key could not be read, or signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The bytes are not a private key for that algorithm, or an RSA key is not 2048 bits long.
    #[error("not a usable private key for {0}")]
    Unusable(Algorithm),
    /// The claims could not be serialized as JSON.
    #[error("the claims cannot be written as JSON")]
    Claims,
    /// The cryptographic library failed.
    #[error("signing failed")]
    Sign,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// A private key, parsed once, with the header of its tokens already encoded.
pub struct SigningKey {
    kid: SigningKeyId,
    algorithm: Algorithm,
    pair: Pair,
    header: String,
    logout_header: String,
}

impl SigningKey {
    /// Reads a private key in PKCS #8 form (RFC 5958).
    ///
    /// # Errors
    /// [`SigningKeyError::Unusable`] when it is not a key for that algorithm. RSA keys must have exactly 2048 bits.
    pub fn from_pkcs8(kid: SigningKeyId, algorithm: Algorithm, der: &[u8]) -> Result<Self, SigningKeyError> {
        let unusable = SigningKeyError::Unusable(algorithm);
        let pair = match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| unusable)?;
                if pair.public_modulus_len() != 256 {
                    return Err(unusable);
                }
                Pair::Rsa(Box::new(pair))
            }
            Algorithm::Es256 => Pair::Ecdsa(Box::new(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| unusable)?,
            )),
            Algorithm::EdDsa => Pair::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8(der).map_err(|_| unusable)?)),
        };
        let header =
            |typ: &str| URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"{typ}"}}"#));
        let (header, logout_header) = (header("JWT"), header("logout+jwt"));
        Ok(Self { kid, algorithm, pair, header, logout_header })
    }

    /// The key's identifier, which is in the header of every token it signs.
    pub fn kid(&self) -> SigningKeyId {
        self.kid
    }

    /// The only algorithm this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key, in the format that [`super::public_jwk`] and [`VerifyingKey::new`] accept.
    pub fn public_key(&self) -> &[u8] {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// Signs claims into a compact token.
    ///
    /// # Errors
    /// When the claims do not serialize, or the library fails.
    pub fn sign<C: serde::Serialize>(&self, claims: &C) -> Result<String, SigningKeyError> {
        self.sign_below(&self.header, claims)
    }

    /// Signs the claims of a logout token, whose header distinguishes it from all other tokens (OpenID Connect
    /// Back-Channel Logout §2.4).
    ///
    /// # Errors
    /// As in [`SigningKey::sign`].
    pub fn sign_logout<C: serde::Serialize>(&self, claims: &C) -> Result<String, SigningKeyError> {
        self.sign_below(&self.logout_header, claims)
    }

    fn sign_below<C: serde::Serialize>(&self, header: &str, claims: &C) -> Result<String, SigningKeyError> {
        let claims = serde_json::to_vec(claims).map_err(|_| SigningKeyError::Claims)?;
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 360);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let mut signature = [0_u8; 256];
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
                    .map_err(|_| SigningKeyError::Sign)?;
                &signature[..]
            }
            Pair::Ecdsa(pair) => {
                let made = pair.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| SigningKeyError::Sign)?;
                copy(&mut signature, made.as_ref())?
            }
            Pair::Ed25519(pair) => {
                let made = pair.sign(token.as_bytes());
                copy(&mut signature, made.as_ref())?
            }
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn copy<'a>(buffer: &'a mut [u8; 256], made: &[u8]) -> Result<&'a [u8], SigningKeyError> {
    let place = buffer.get_mut(..made.len()).ok_or(SigningKeyError::Sign)?;
    place.copy_from_slice(made);
    Ok(place)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A decoded token whose signature has not been verified. Nothing in it can be trusted.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    algorithm: Algorithm,
    kid: SigningKeyId,
    signing_input: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The text is not a compact token that one of our keys could have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a compact token of a known form")]
pub struct DecodeError;

#[derive(serde::Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    kid: std::borrow::Cow<'a, str>,
    crit: Option<serde_json::Value>,
}

impl<'a> UnverifiedToken<'a> {
    /// Decodes a compact token (RFC 7515 §5.2, steps 1 to 7). Tokens with critical extensions are rejected (§4.1.11).
    ///
    /// # Errors
    /// [`DecodeError`] for anything that none of our keys could have signed.
    pub fn decode(token: &'a str) -> Result<Self, DecodeError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(DecodeError);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(DecodeError)?;
        let (header, payload) = signing_input.split_once('.').ok_or(DecodeError)?;
        if payload.contains('.') {
            return Err(DecodeError);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| DecodeError)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| DecodeError)?;
        if header.crit.is_some() {
            return Err(DecodeError);
        }
        Ok(Self {
            algorithm: Algorithm::parse(&header.alg).ok_or(DecodeError)?,
            kid: SigningKeyId::parse(&header.kid).map_err(|_| DecodeError)?,
            signing_input,
            payload,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| DecodeError)?,
        })
    }

    /// The key it claims to be signed by: only for selecting the [`VerifyingKey`].
    pub fn kid(&self) -> SigningKeyId {
        self.kid
    }
}

/// A public key, parsed once, with the only algorithm it verifies.
pub struct VerifyingKey {
    kid: SigningKeyId,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// Why a token could not be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token names a different key or algorithm.
    #[error("the token names another key or algorithm")]
    WrongKey,
    /// The signature is invalid.
    #[error("the signature does not verify")]
    Signature,
    /// The signature is valid, but the claims do not have the expected structure.
    #[error("the claims are not of the expected form")]
    Claims,
}

impl VerifyingKey {
    /// Parses a public key in the format of [`SigningKey::public_key`].
    ///
    /// # Errors
    /// [`SigningKeyError::Unusable`] when it is not a key for that algorithm.
    pub fn new(kid: SigningKeyId, algorithm: Algorithm, public_key: &[u8]) -> Result<Self, SigningKeyError> {
        let verification: &'static dyn aws_lc_rs::signature::VerificationAlgorithm = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDsa => &ED25519,
        };
        let key = ParsedPublicKey::new(verification, public_key).map_err(|_| SigningKeyError::Unusable(algorithm))?;
        Ok(Self { kid, algorithm, key })
    }

    /// Verifies the signature and reads the claims. The algorithm is this key's, whatever the header says
    /// (RFC 8725 §3.1).
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub fn verify<C: serde::de::DeserializeOwned>(&self, token: &UnverifiedToken<'_>) -> Result<C, VerifyError> {
        if token.kid != self.kid || token.algorithm != self.algorithm {
            return Err(VerifyError::WrongKey);
        }
        self.key.verify_sig(token.signing_input.as_bytes(), &token.signature).map_err(|_| VerifyError::Signature)?;
        let payload = URL_SAFE_NO_PAD.decode(token.payload).map_err(|_| VerifyError::Claims)?;
        serde_json::from_slice(&payload).map_err(|_| VerifyError::Claims)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::jose::public_jwk;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    fn key(algorithm: Algorithm, kid: u128) -> SigningKey {
        let der: Vec<u8> = match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref().to_vec()
            }
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .unwrap()
                .as_ref()
                .to_vec(),
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap().as_ref().to_vec(),
        };
        SigningKey::from_pkcs8(SigningKeyId::from_ulid(kid), algorithm, &der).unwrap()
    }

    static KEYS: LazyLock<Vec<SigningKey>> =
        LazyLock::new(|| Algorithm::ALL.into_iter().zip(1..).map(|(a, n)| key(a, n)).collect());

    fn verifying(key: &SigningKey) -> VerifyingKey {
        VerifyingKey::new(key.kid(), key.algorithm(), key.public_key()).unwrap()
    }

    #[test]
    fn an_independent_library_verifies_what_we_sign() {
        for key in KEYS.iter() {
            let token = key.sign(&json!({"sub": "client_1", "exp": 4_000_000_000_u64})).unwrap();
            let jwk = public_jwk(key.kid(), key.algorithm(), key.public_key(), b"certificate").unwrap();
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
            let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
            let algorithm = key.algorithm().as_str().parse().unwrap();
            let checks = jsonwebtoken::Validation::new(algorithm);
            let data = jsonwebtoken::decode::<Value>(&token, &decoding, &checks).unwrap();
            assert_eq!(data.claims["sub"], "client_1");
            assert_eq!(data.header.kid, Some(key.kid().to_string()));
            assert_eq!(data.header.typ.as_deref(), Some("JWT"));
        }
    }

    #[test]
    fn a_token_verifies_only_with_its_own_key() {
        for signer in KEYS.iter() {
            let token = signer.sign(&json!({"a": 1})).unwrap();
            let token = UnverifiedToken::decode(&token).unwrap();
            for verifier in KEYS.iter() {
                let same = verifier.kid() == signer.kid();
                assert_eq!(verifying(verifier).verify::<Value>(&token).is_ok(), same);
            }
        }
        let (one, other) = (key(Algorithm::Es256, 9), key(Algorithm::Es256, 9));
        let token = one.sign(&json!({"a": 1})).unwrap();
        let token = UnverifiedToken::decode(&token).unwrap();
        assert_eq!(verifying(&other).verify::<Value>(&token), Err(VerifyError::Signature));
    }

    #[test]
    fn threat_47_an_rsa_key_of_another_size_is_refused() {
        for size in [aws_lc_rs::rsa::KeySize::Rsa3072, aws_lc_rs::rsa::KeySize::Rsa4096] {
            let pair = RsaKeyPair::generate(size).unwrap();
            let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
            let read = SigningKey::from_pkcs8(SigningKeyId::from_ulid(1), Algorithm::Rs256, der.as_ref());
            assert_eq!(read.err(), Some(SigningKeyError::Unusable(Algorithm::Rs256)));
        }
    }

    #[test]
    fn unsigned_symmetric_and_critical_headers_are_not_tokens() {
        let encode = |header: Value| format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header.to_string()));
        let kid = SigningKeyId::from_ulid(1).to_string();
        for header in [
            json!({"alg": "none", "kid": kid}),
            json!({"alg": "HS256", "kid": kid}),
            json!({"alg": "rs256", "kid": kid}),
            json!({"alg": "RS256"}),
            json!({"alg": "RS256", "kid": "elsewhere"}),
            json!({"alg": "RS256", "kid": kid, "crit": ["b64"], "b64": false}),
        ] {
            assert_eq!(UnverifiedToken::decode(&encode(header.clone())).err(), Some(DecodeError), "{header}");
        }
        assert!(UnverifiedToken::decode(&encode(json!({"alg": "RS256", "kid": kid}))).is_ok());
    }

    proptest! {
        #[test]
        fn decoding_noise_never_panics(noise in "[A-Za-z0-9_.-]{0,200}|\\PC*") {
            let _ = UnverifiedToken::decode(&noise);
        }

        #[test]
        fn an_altered_token_does_not_verify(place: usize, letter in "[A-Za-z0-9_-]") {
            let signer = &KEYS[2];
            let token = signer.sign(&json!({"sub": "client_1"})).unwrap();
            let place = place % token.len();
            let mut altered = token.clone();
            altered.replace_range(place..=place, &letter);
            prop_assume!(altered != token);
            if let Ok(decoded) = UnverifiedToken::decode(&altered) {
                prop_assert!(verifying(signer).verify::<Value>(&decoded).is_err());
            }
        }
    }
}
