//! A token from an untrusted client: decoded and verified. Only the exact text that our key signed is ever valid.
#![no_main]

use countersign_protocol::id::{Id, SigningKeyId};
use countersign_protocol::jose::{Algorithm, SigningKey, UnverifiedToken, VerifyingKey};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The fuzzer's own Ed25519 key (PKCS #8, RFC 8410 §7), whose signatures are deterministic.
const PRIVATE_KEY: [u8; 48] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

static SIGNED: LazyLock<(VerifyingKey, String)> = LazyLock::new(|| {
    let kid = SigningKeyId::from_ulid(1);
    let key = SigningKey::from_pkcs8(kid, Algorithm::EdDsa, &PRIVATE_KEY).unwrap();
    let token = key.sign(&json!({"sub": "client_1", "exp": 4_000_000_000_u64})).unwrap();
    (VerifyingKey::new(kid, Algorithm::EdDsa, key.public_key()).unwrap(), token)
});

fuzz_target!(|input: &str| {
    let (key, signed) = &*SIGNED;
    if let Ok(token) = UnverifiedToken::decode(input)
        && key.verify::<Value>(&token).is_ok()
    {
        assert_eq!(input, signed, "another text than the one that was signed");
    }
    assert!(key.verify::<Value>(&UnverifiedToken::decode(signed).unwrap()).is_ok());
});
