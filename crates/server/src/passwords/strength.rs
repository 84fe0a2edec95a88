//! Which passwords may be chosen. Length is counted in characters, and what is easily guessed is refused, whatever
//! characters it is made of; there are no rules about digits and signs (NIST SP 800-63B §3.1.1).

use zxcvbn::{Score, zxcvbn};

/// Fewest characters.
pub const SHORTEST: usize = 10;
/// Most bytes.
pub const LONGEST: usize = 256;

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer characters than [`SHORTEST`].
    TooShort,
    /// More bytes than [`LONGEST`].
    TooLong,
    /// Easily guessed.
    TooWeak,
}

impl Weakness {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::TooWeak => "password_too_weak",
        }
    }

    /// The sentence for people.
    pub fn message(self) -> String {
        match self {
            Self::TooShort => format!("The password must have at least {SHORTEST} characters."),
            Self::TooLong => format!("The password must have at most {LONGEST} bytes."),
            Self::TooWeak => {
                "The password is too easily guessed. Add another word or two; uncommon ones are better.".to_owned()
            }
        }
    }
}

/// Whether a password may be chosen by somebody of whom this is known: address, names.
///
/// # Errors
/// [`Weakness`].
pub fn strength(password: &str, inputs: &[&str]) -> Result<(), Weakness> {
    if password.chars().count() < SHORTEST {
        return Err(Weakness::TooShort);
    }
    if password.len() > LONGEST {
        return Err(Weakness::TooLong);
    }
    // An address is as easily guessed in its parts.
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
