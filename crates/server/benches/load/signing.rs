//! The bare signing rate of the cryptographic library: a loop on the server's core, without HTTP, JSON, or base64.

use super::child::processor_seconds;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use countersign_protocol::id::Id;
use countersign_protocol::jose::{Algorithm, SigningKey};
use std::time::{Duration, Instant};

/// Generates a private key.
fn pkcs8(algorithm: Algorithm) -> Vec<u8> {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref().to_vec()
        }
        Algorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec()
        }
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref().to_vec(),
    }
}

/// Generates a token signing key.
pub fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(Id::from_ulid(5 << 120), algorithm, &pkcs8(algorithm)).unwrap()
}

/// Signs for this many seconds, and prints signatures per second and per second of CPU time.
pub fn run(algorithm: &str, seconds: f64) {
    let algorithm = Algorithm::parse(algorithm).unwrap();
    let der = pkcs8(algorithm);
    let random = SystemRandom::new();
    // As long as the signed part of a token.
    let message = [b'x'; 620];
    let sign: Box<dyn Fn()> = match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
            Box::new(move || pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut [0; 256]).unwrap())
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
            Box::new(move || {
                std::hint::black_box(pair.sign(&random, &message).unwrap());
            })
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(&der).unwrap();
            Box::new(move || {
                std::hint::black_box(pair.sign(&message));
            })
        }
    };
    count(seconds, 20, sign);
}

/// Repeats `work` for this many seconds, checking the clock every `at_once` repetitions, and prints the rate per second
/// and per second of CPU time.
pub fn count(seconds: f64, at_once: u32, work: impl Fn()) {
    for _ in 0..at_once * 2 {
        work();
    }
    let (began, used) = (Instant::now(), processor_seconds(0));
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs_f64(seconds) {
        for _ in 0..at_once {
            work();
        }
        count += at_once;
    }
    let (wall, used) = (began.elapsed().as_secs_f64(), processor_seconds(0) - used);
    println!("{} {}", f64::from(count) / wall, f64::from(count) / used.max(0.01));
}
