use std::fmt;

/// A color, always `#rrggbb`, so that nothing but a color can be written into a stylesheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub(crate) [u8; 3]);

impl Colour {
    /// Black.
    pub const BLACK: Self = Self([0, 0, 0]);
    /// White.
    pub const WHITE: Self = Self([255, 255, 255]);

    /// Red, green and blue.
    pub const fn parts(self) -> [u8; 3] {
        self.0
    }

    /// Parses `#rrggbb`, in upper or lower case. Color names, short forms and alpha are not accepted.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// The contrast ratio of two colors as defined by WCAG 2: from 1 (identical) to 21 (black and white).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever is more legible on this color. Its contrast is at least 4.5 on every color.
    pub fn readable(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// Blends this color, with weight `share`, with the other.
    pub(crate) fn mixed(self, other: Self, share: f64) -> Self {
        let mut parts = self.0;
        for (part, rest) in parts.iter_mut().zip(other.0) {
            *part = (f64::from(*part) * share + f64::from(rest) * (1.0 - share)).round() as u8;
        }
        Self(parts)
    }

    /// Whether it is clearly not gray.
    pub(crate) fn is_colourful(self) -> bool {
        let [red, green, blue] = self.0;
        red.max(green).max(blue) - red.min(green).min(blue) > 48
    }

    /// The relative luminance as defined by WCAG 2.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(out, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_six_digits_are_a_colour() {
        for (text, expected) in [
            ("#18181b", Some([0x18, 0x18, 0x1b])),
            ("#FFffFF", Some([255, 255, 255])),
            ("#fff", None),
            ("18181b", None),
            ("red", None),
            ("#18181b;", None),
            ("#+1+1+1", None),
            ("#é1234", None),
            ("", None),
        ] {
            assert_eq!(Colour::parse(text), expected.map(Colour), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let check = |a: &str, b: &str, expected: f64| {
            let contrast = Colour::parse(a).unwrap().contrast(Colour::parse(b).unwrap());
            assert!((contrast - expected).abs() < 0.01, "{a} {b}: {contrast}");
        };
        check("#000000", "#ffffff", 21.0);
        check("#777777", "#ffffff", 4.48);
        check("#123456", "#123456", 1.0);
        check("#0000ff", "#ffffff", 8.59);
    }

    proptest! {
        #[test]
        fn printed_and_parsed_is_identity_and_text_is_readable(parts: [u8; 3]) {
            let colour = Colour(parts);
            prop_assert_eq!(Colour::parse(&colour.to_string()), Some(colour));
            prop_assert!(colour.contrast(colour.readable()) >= 4.5);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = Colour::parse(&text);
        }
    }
}
