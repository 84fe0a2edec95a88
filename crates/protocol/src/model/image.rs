//! Pictures that people see: logos and icons.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a picture's bytes: its name, and the way to tell whether two files are the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageDigest([u8; 32]);

/// The text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest")]
pub struct ParseImageDigestError;

impl ImageDigest {
    /// From the bytes of a SHA-256.
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

    /// Only 64 small hexadecimal digits: there is one text for a digest.
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

/// A picture that is kept: always a PNG that we have written ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// The digest of the PNG: its name.
    pub digest: ImageDigest,
    /// The digest of the file that it was made from.
    pub source: ImageDigest,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Whether it can be made out on a light ground.
    pub seen_on_light: bool,
    /// Whether it can be made out on a dark ground.
    pub seen_on_dark: bool,
}

/// A logo, for people who like light pages and for people who like dark ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logo {
    /// On light pages, and where there is no other one.
    pub light: Option<Image>,
    /// On dark pages.
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
