//! Stored password hashes: in our own format, and in the formats of other systems from which users are imported.
//!
//! The beginning of a stored text identifies its algorithm; each has its own file here. Parsing never panics on any
//! text, and the memory and time a text can demand are bounded: a text beyond these bounds is not accepted as a hash,
//! neither on import nor when a password is verified against it. Salt generation and queueing happen elsewhere.

mod argon2;
mod bcrypt;
mod encoding;
mod firebase;
mod pbkdf2;
mod phc;
mod scrypt;
mod ssha;

/// The maximum length of a text that is parsed as a hash.
pub const MAX_HASH_LENGTH: usize = 2048;
/// The allowed digest lengths in a hash, in bytes.
const DIGEST_LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;
/// The maximum length of a salt in a hash, in bytes.
const MAX_SALT_LENGTH: usize = 512;

/// A password hashing scheme that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashType {
    /// `$2b$12$…`
    Bcrypt,
    /// scrypt followed by encryption, as used by Firebase.
    FirebaseScrypt,
    /// Salted SHA-1, as used by LDAP directories.
    Ssha,
    /// Salted SHA-256, as used by LDAP directories.
    Ssha256,
    /// scrypt (RFC 7914).
    Scrypt,
    /// PBKDF2 (RFC 8018) with HMAC-SHA-1, HMAC-SHA-256 or HMAC-SHA-512.
    Pbkdf2,
    /// Argon2 (RFC 9106), any variant.
    Argon2,
}

impl HashType {
    const ALL: [Self; 7] =
        [Self::Bcrypt, Self::FirebaseScrypt, Self::Ssha, Self::Ssha256, Self::Scrypt, Self::Pbkdf2, Self::Argon2];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bcrypt => "bcrypt",
            Self::FirebaseScrypt => "firebase-scrypt",
            Self::Ssha => "ssha",
            Self::Ssha256 => "ssha256",
            Self::Scrypt => "scrypt",
            Self::Pbkdf2 => "pbkdf2",
            Self::Argon2 => "argon2",
        }
    }

    /// Parses the value.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The position of the salt in the input of a plain digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaltPosition {
    /// Before the password.
    Prefix,
    /// After the password, as in LDAP directories.
    Suffix,
}

impl SaltPosition {
    /// Parses the value on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "prefix" => Some(Self::Prefix),
            "suffix" => Some(Self::Suffix),
            _ => None,
        }
    }
}

/// A parsed hash.
enum Parsed {
    Argon2(argon2::Hash),
    Bcrypt(bcrypt::Hash),
    Firebase(firebase::Hash),
    Pbkdf2(pbkdf2::Hash),
    Scrypt(scrypt::Hash),
    Ssha(ssha::Hash),
}

fn parse(stored: &str) -> Option<(HashType, Parsed)> {
    if stored.len() > MAX_HASH_LENGTH || !stored.is_ascii() {
        return None;
    }
    if let Some((kind, hash)) = ssha::Hash::parse(stored) {
        return Some((kind, Parsed::Ssha(hash)));
    }
    if stored.starts_with("$2") {
        return Some((HashType::Bcrypt, Parsed::Bcrypt(bcrypt::Hash::parse(stored)?)));
    }
    let phc = phc::Phc::parse(stored)?;
    match phc.id {
        "argon2d" | "argon2i" | "argon2id" => Some((HashType::Argon2, Parsed::Argon2(argon2::Hash::read(&phc)?))),
        "firebase-scrypt" => Some((HashType::FirebaseScrypt, Parsed::Firebase(firebase::Hash::read(&phc)?))),
        "scrypt" => Some((HashType::Scrypt, Parsed::Scrypt(scrypt::Hash::read(&phc)?))),
        id if id.starts_with("pbkdf2") => Some((HashType::Pbkdf2, Parsed::Pbkdf2(pbkdf2::Hash::read(&phc)?))),
        _ => None,
    }
}

/// Imports a hash from another system. Returns the text to store; `None` for anything that is not a hash of this kind
/// or demands too much memory or time.
pub fn import(kind: HashType, text: &str, position: SaltPosition) -> Option<String> {
    let text = match kind {
        HashType::Ssha | HashType::Ssha256 => ssha::stored_form(kind, text.trim(), position)?,
        _ => text.trim().to_owned(),
    };
    (parse(&text)?.0 == kind).then_some(text)
}

/// Verifies a password against a stored hash. Takes as long as the hash demands, within our bounds.
pub fn verify(stored: &str, password: &str) -> bool {
    let password = password.as_bytes();
    match parse(stored).map(|(_, hash)| hash) {
        Some(Parsed::Argon2(hash)) => hash.verify(password),
        Some(Parsed::Bcrypt(hash)) => hash.verify(password),
        Some(Parsed::Firebase(hash)) => hash.verify(password),
        Some(Parsed::Pbkdf2(hash)) => hash.verify(password),
        Some(Parsed::Scrypt(hash)) => hash.verify(password),
        Some(Parsed::Ssha(hash)) => hash.verify(password),
        None => false,
    }
}

/// Hashes a password in our own format: Argon2id, 19 MiB, two passes. `None` only if the memory cannot be allocated.
pub fn hash(password: &str, salt: [u8; 16]) -> Option<String> {
    argon2::Hash::ours(password.as_bytes(), &salt)
}

/// Whether a stored hash is in our own format. If not, it should be replaced as soon as the password is known.
pub fn is_ours(stored: &str) -> bool {
    matches!(parse(stored), Some((_, Parsed::Argon2(hash))) if hash.is_ours())
}

/// Whether verification takes only microseconds: the text is a plain digest, or not a valid hash.
pub fn is_quick(stored: &str) -> bool {
    matches!(parse(stored), None | Some((_, Parsed::Ssha(_))))
}

/// Compares two digests in constant time.
fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_own_form_is_good_for_its_password_alone() {
        let stored = hash("correct horse", [7; 16]).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(is_ours(&stored));
        assert!(verify(&stored, "correct horse"));
        assert!(!verify(&stored, "correct horse "));
        assert!(!verify(&stored, ""));
        assert_ne!(stored, hash("correct horse", [8; 16]).unwrap());
    }

    #[test]
    fn a_hash_is_taken_over_as_what_it_is_and_as_nothing_else() {
        let bcrypt = "$2b$12$FqQ7cRWDNLAoF7sFVZzhCuFLkCrZsN7BGGUEuv7dDHkVZ9p0lcxNy";
        for kind in HashType::ALL {
            assert_eq!(HashType::parse(kind.as_str()), Some(kind));
            assert_eq!(import(kind, bcrypt, SaltPosition::Suffix).is_some(), kind == HashType::Bcrypt, "{kind:?}");
        }
        assert_eq!(HashType::parse("md5"), None);
        assert!(!is_ours(bcrypt));
        let salted =
            import(HashType::Ssha256, &format!("{{SSHA256}}{}", "A".repeat(64)), SaltPosition::Suffix).unwrap();
        assert!(is_quick(&salted) && !is_ours(&salted));
        assert!(is_quick("no hash"));
        assert!(![bcrypt, &hash("x", [7; 16]).unwrap()].into_iter().any(is_quick));
    }

    #[test]
    fn threat_43_a_hash_that_asks_for_too_much_is_none() {
        let salt = "c2FsdHNhbHRzYWx0c2FsdA";
        let digest = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
        for (kind, text) in [
            (HashType::Argon2, format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${digest}")),
            (HashType::Argon2, format!("$argon2id$v=19$m=65536,t=4000,p=1${salt}${digest}")),
            (HashType::Argon2, format!("$argon2id$v=19$m=65536,t=1,p=4000${salt}${digest}")),
            (HashType::Scrypt, format!("$scrypt$ln=30,r=8,p=1${salt}${digest}")),
            (HashType::Scrypt, format!("$scrypt$ln=14,r=100000,p=1${salt}${digest}")),
            (HashType::Scrypt, format!("$scrypt$ln=14,r=8,p=4000${salt}${digest}")),
            (HashType::Pbkdf2, format!("$pbkdf2-sha256$i=100000000${salt}${digest}")),
            (HashType::Bcrypt, "$2b$31$FqQ7cRWDNLAoF7sFVZzhCuFLkCrZsN7BGGUEuv7dDHkVZ9p0lcxNy".to_owned()),
            (HashType::Argon2, "$argon2id$".repeat(1000)),
        ] {
            assert_eq!(import(kind, &text, SaltPosition::Suffix), None, "{text}");
            assert!(!verify(&text, "password"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(
            text in "\\PC{0,80}",
            id in "argon2id|argon2i|scrypt|pbkdf2-sha256|pbkdf2|firebase-scrypt|2b|2a",
            rest in "[$a-z0-9=,+/.]{0,60}",
            tagged in "\\{SSHA(256)?\\}[A-Za-z0-9+/=]{0,60}",
        ) {
            for text in [text, format!("${id}${rest}"), tagged] {
                let _ = parse(&text);
                for kind in HashType::ALL {
                    let _ = import(kind, &text, SaltPosition::Prefix);
                }
            }
        }
    }
}
