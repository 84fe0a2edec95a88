//! Base64 as found in hashes: with or without padding, and in the variant alphabet of Python's passlib.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);

/// Decodes base64, treating `.` as `+`, and `-_` as `+/`.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace(['.', '-'], "+").replace('_', "/")).ok()
}

/// Encodes base64 without padding, as in PHC strings.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes bcrypt's base64.
pub(super) fn decode_bcrypt(text: &str) -> Option<Vec<u8>> {
    BCRYPT.decode(text).ok()
}
