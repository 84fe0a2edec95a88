//! Password policy. Length is counted in characters, and easily guessed passwords are rejected whatever characters they
//! consist of. There are no composition rules (NIST SP 800-63B §3.1.1).

use zxcvbn::{Score, zxcvbn};

/// The minimum length, in characters.
pub const MIN_LENGTH: usize = 10;
/// The maximum length, in bytes.
pub const MAX_LENGTH: usize = 256;

/// Why a password is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer characters than [`MIN_LENGTH`].
    TooShort,
    /// More bytes than [`MAX_LENGTH`].
    TooLong,
    /// Easily guessed.
    TooWeak,
}

impl Weakness {
    /// The error code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::TooWeak => "password_too_weak",
        }
    }

    /// The message for users.
    pub fn message(self) -> String {
        match self {
            Self::TooShort => format!("The password must have at least {MIN_LENGTH} characters."),
            Self::TooLong => format!("The password must have at most {MAX_LENGTH} bytes."),
            Self::TooWeak => {
                "The password is too easily guessed. Add another word or two; uncommon ones are better.".to_owned()
            }
        }
    }
}

/// Checks whether a password is allowed for a user about whom `inputs` (email address, names) are known.
///
/// # Errors
/// [`Weakness`].
pub fn strength(password: &str, inputs: &[&str]) -> Result<(), Weakness> {
    if password.chars().count() < MIN_LENGTH {
        return Err(Weakness::TooShort);
    }
    if password.len() > MAX_LENGTH {
        return Err(Weakness::TooLong);
    }
    // The parts of an email address are as easily guessed as the whole.
    let mut known: Vec<&str> = Vec::new();
    for input in inputs {
        known.push(input);
        known.extend(input.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2));
    }
    if zxcvbn(password, &known).score() >= Score::Three { Ok(()) } else { Err(Weakness::TooWeak) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expected: Result<(), Weakness>) {
        assert_eq!(strength(password, &["ada.lovelace@example.com", "Ada", "Lovelace"]), expected, "{password}");
    }

    #[test]
    fn what_is_easily_guessed_may_not_be_chosen() {
        check("", Err(Weakness::TooShort));
        check("k9#Vq2!xz", Err(Weakness::TooShort));
        check("ääääääääää", Err(Weakness::TooWeak));
        check("password123", Err(Weakness::TooWeak));
        check("1234567890", Err(Weakness::TooWeak));
        check("qwertyuiop", Err(Weakness::TooWeak));
        check("aaaaaaaaaaaaaaaaaaaa", Err(Weakness::TooWeak));
        check("lovelace1815", Err(Weakness::TooWeak));
        check("ada.lovelace@example.com", Err(Weakness::TooWeak));
        check("mallet sparrow tungsten", Ok(()));
        check("k9#Vq2!xzLw", Ok(()));
        check("日本語のとても長い合言葉です", Ok(()));
        check(&"mallet sparrow ".repeat(18), Err(Weakness::TooLong));
    }
}
