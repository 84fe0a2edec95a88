//! Base64 as it occurs in hashes: with padding and without, and with the other alphabet that Python's passlib writes.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);

/// Decodes base64; `.` counts as `+`, and `-_` as `+/`.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace(['.', '-'], "+").replace('_', "/")).ok()
}

/// Encodes base64 without padding, as PHC strings have it.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes the base64 of bcrypt.
pub(super) fn decode_bcrypt(text: &str) -> Option<Vec<u8>> {
    BCRYPT.decode(text).ok()
}
