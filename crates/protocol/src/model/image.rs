//! Images shown to users: logos and icons.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 digest of an image's bytes: its name, and the way to tell whether two files are the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageDigest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest")]
pub struct ParseImageDigestError;

impl ImageDigest {
    /// Creates a digest from the bytes of a SHA-256.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ImageDigest {
    type Err = ParseImageDigestError;

    /// Accepts only 64 lower-case hexadecimal digits, so that a digest has exactly one text.
    fn from_str(text: &str) -> Result<Self, ParseImageDigestError> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(ParseImageDigestError),
        };
        let digits = text.as_bytes();
        let mut bytes = [0_u8; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(ParseImageDigestError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(ParseImageDigestError) };
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Ok(Self(bytes))
    }
}

/// A stored image: always a PNG that we encoded ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// The digest of the PNG, which is its name.
    pub digest: ImageDigest,
    /// The digest of the file it was created from.
    pub source: ImageDigest,
    /// The width, in pixels.
    pub width: u32,
    /// The height, in pixels.
    pub height: u32,
    /// Whether it is visible on a light background.
    pub seen_on_light: bool,
    /// Whether it is visible on a dark background.
    pub seen_on_dark: bool,
}

/// A logo, in variants for light and dark pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logo {
    /// For light pages, and for dark ones if there is no dark variant.
    pub light: Option<Image>,
    /// For dark pages.
    pub dark: Option<Image>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_digest_has_one_text() {
        let text = "00ff".repeat(16);
        assert_eq!(text.parse::<ImageDigest>().unwrap().to_string(), text);
        for bad in ["", "00", &"00FF".repeat(16), &"0g".repeat(32), &"0".repeat(65), "é".repeat(32).as_str()] {
            assert!(bad.parse::<ImageDigest>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn printed_and_parsed_is_identity(bytes: [u8; 32]) {
            let digest = ImageDigest::from_bytes(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<ImageDigest>();
        }
    }
}
