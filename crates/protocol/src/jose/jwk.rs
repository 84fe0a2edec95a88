//! Public keys as JSON Web Keys (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).

use super::Algorithm;
use crate::id::SigningKeyId;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The public key bytes were not in the algorithm's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public key is not of the form its algorithm has")]
pub struct JwkError;

/// The `x5t#S256` of a certificate: base64url of the SHA-256 of its DER encoding (RFC 7517 §4.9).
pub fn certificate_thumbprint(certificate: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, certificate))
}

/// Encodes a public key as a JSON Web Key, including the certificate that several client libraries require.
///
/// `public_key` is the key pair's own encoding: a DER `RSAPublicKey` (RFC 8017 §A.1.1), an uncompressed P-256 point
/// (`04 ‖ x ‖ y`), or the 32 bytes of an Ed25519 key.
///
/// # Errors
/// When the bytes are not in that format.
pub fn public_jwk(
    kid: SigningKeyId,
    algorithm: Algorithm,
    public_key: &[u8],
    certificate: &[u8],
) -> Result<serde_json::Value, JwkError> {
    let mut jwk = serde_json::json!({
        "alg": algorithm.as_str(),
        "use": "sig",
        "kid": kid,
        "x5c": [STANDARD.encode(certificate)],
        "x5t#S256": certificate_thumbprint(certificate),
    });
    let mut put = |name: &str, value: &str| jwk[name] = value.into();
    match algorithm {
        Algorithm::Rs256 => {
            let (modulus, exponent) = rsa_components(public_key).ok_or(JwkError)?;
            put("kty", "RSA");
            put("n", &URL_SAFE_NO_PAD.encode(modulus));
            put("e", &URL_SAFE_NO_PAD.encode(exponent));
        }
        Algorithm::Es256 => {
            let point: &[u8; 65] = public_key.try_into().map_err(|_| JwkError)?;
            let (&[4], coordinates) = point.split_first_chunk::<1>().ok_or(JwkError)? else {
                return Err(JwkError);
            };
            let (x, y) = coordinates.split_at_checked(32).ok_or(JwkError)?;
            put("kty", "EC");
            put("crv", "P-256");
            put("x", &URL_SAFE_NO_PAD.encode(x));
            put("y", &URL_SAFE_NO_PAD.encode(y));
        }
        Algorithm::EdDsa => {
            let key: &[u8; 32] = public_key.try_into().map_err(|_| JwkError)?;
            put("kty", "OKP");
            put("crv", "Ed25519");
            put("x", &URL_SAFE_NO_PAD.encode(key));
        }
    }
    Ok(jwk)
}

/// Extracts modulus and exponent, without leading zeros, from a DER `RSAPublicKey`.
fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = element(der, 0x30)?;
    let (modulus, after) = element(sequence, 0x02)?;
    let (exponent, end) = element(after, 0x02)?;
    (rest.is_empty() && end.is_empty()).then(|| (without_leading_zeros(modulus), without_leading_zeros(exponent)))
}

fn without_leading_zeros(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

/// Reads one DER element with the given tag: its content, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = input.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7F);
        let (bytes, rest) = rest.split_at_checked(count)?;
        if count == 0 || count > 3 {
            return None;
        }
        (bytes.iter().fold(0_usize, |length, &byte| (length << 8) | usize::from(byte)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reading_noise_as_a_key_never_panics(noise: Vec<u8>) {
            let _ = rsa_components(&noise);
            for algorithm in Algorithm::ALL {
                let _ = public_jwk(crate::id::Id::from_ulid(1), algorithm, &noise, b"");
            }
        }
    }

    #[test]
    fn an_rsa_key_is_taken_apart() {
        let der = [0x30, 0x09, 0x02, 0x02, 0x00, 0xC1, 0x02, 0x03, 0x01, 0x00, 0x01];
        assert_eq!(rsa_components(&der), Some((&[0xC1][..], &[1, 0, 1][..])));
        assert_eq!(rsa_components(&der[..10]), None);
    }
}
