//! Making and opening signing keys.

use crate::entropy::Entropy;
use crate::keys::keyring::Keyring;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::jose::{Algorithm, SigningKey};
use countersign_protocol::model::{Environment, KeyPurpose, KeyState, SigningKeyRecord};
use countersign_protocol::time::Timestamp;
use zeroize::Zeroizing;

/// A signing key could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[error("signing key: {0}")]
pub struct SigningKeyFailure(String);

fn failure(error: impl std::fmt::Display) -> SigningKeyFailure {
    SigningKeyFailure(error.to_string())
}

const SEALED_AS: &str = "signing-key";

/// Makes the first keys of an environment, one for each purpose, both active. Not for an async thread: see [`generate`].
///
/// # Errors
/// When the cryptographic library fails.
pub fn generate_first(
    environment: &Environment,
    keyring: &Keyring,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<Vec<SigningKeyRecord>, SigningKeyFailure> {
    let algorithm = environment.signing_algorithm;
    let first = |purpose| generate(environment, purpose, algorithm, KeyState::Active, keyring, entropy, now);
    KeyPurpose::ALL.into_iter().map(first).collect()
}

/// Makes a key. An RSA key takes some hundred milliseconds: not for an async thread.
///
/// # Errors
/// When the cryptographic library fails.
pub fn generate(
    environment: &Environment,
    purpose: KeyPurpose,
    algorithm: Algorithm,
    state: KeyState,
    keyring: &Keyring,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<SigningKeyRecord, SigningKeyFailure> {
    let id: SigningKeyId = entropy.id(now).map_err(failure)?;
    let random = SystemRandom::new();
    let private: Zeroizing<Vec<u8>> = Zeroizing::new(match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failure)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failure)?.as_ref().to_vec()
        }
        Algorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failure)?.as_ref().to_vec()
        }
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failure)?.as_ref().to_vec(),
    });
    // Read back, which also proves the key's form and size.
    let key = SigningKey::from_pkcs8(id, algorithm, &private).map_err(failure)?;
    let context = [SEALED_AS, &environment.id.to_string(), &id.to_string(), purpose.as_str()];
    let sealed_private_key =
        keyring.signing_key.seal(&context, &private, entropy.bytes().map_err(failure)?).map_err(failure)?;
    Ok(SigningKeyRecord {
        id,
        environment_id: environment.id,
        purpose,
        algorithm,
        state,
        public_key: key.public_key().to_vec(),
        certificate: certificate(environment, algorithm, &private, now)?,
        sealed_private_key,
        created_at: now,
    })
}

/// A self-signed certificate of the public key, for the client libraries that want `x5c`. It proves nothing.
fn certificate(
    environment: &Environment,
    algorithm: Algorithm,
    private: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, SigningKeyFailure> {
    let signature = match algorithm {
        Algorithm::Rs256 => &rcgen::PKCS_RSA_SHA256,
        Algorithm::Es256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Algorithm::EdDsa => &rcgen::PKCS_ED25519,
    };
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(private);
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private, signature).map_err(failure)?;
    let mut params = rcgen::CertificateParams::new(Vec::new()).map_err(failure)?;
    let mut name = rcgen::DistinguishedName::new();
    let host = environment.issuer.authority();
    name.push(rcgen::DnType::CommonName, host.rsplit_once(':').map_or(host, |(host, _)| host));
    params.distinguished_name = name;
    let year = i32::try_from(now.as_secs().div_euclid(31_556_952) + 1970).map_err(failure)?;
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 5, 1, 1);
    Ok(params.self_signed(&pair).map_err(failure)?.der().to_vec())
}

/// Opens a stored key.
///
/// # Errors
/// When it does not open: another data key, another environment's row, another purpose, or an altered one.
pub fn open(record: &SigningKeyRecord, keyring: &Keyring) -> Result<SigningKey, SigningKeyFailure> {
    let context = [SEALED_AS, &record.environment_id.to_string(), &record.id.to_string(), record.purpose.as_str()];
    let private = keyring.signing_key.open(&context, &record.sealed_private_key).map_err(failure)?;
    SigningKey::from_pkcs8(record.id, record.algorithm, &private).map_err(failure)
}
