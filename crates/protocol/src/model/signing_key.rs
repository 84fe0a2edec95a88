//! The life of a signing key: pending, active, retiring, gone.

use crate::id::{EnvironmentId, SigningKeyId};
use crate::jose::Algorithm;
use crate::time::Timestamp;

/// Where a signing key is in its life. A key that is gone has no row left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that clients learn it, and not yet signing.
    Pending {
        /// When it starts to sign.
        activates_at: Timestamp,
    },
    /// Signing.
    Active,
    /// No longer signing; published until its last token has expired.
    Retiring {
        /// When it is deleted.
        gone_at: Timestamp,
    },
}

impl KeyState {
    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Active => "active",
            Self::Retiring { .. } => "retiring",
        }
    }

    /// The moment at which this state ends by itself.
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Pending { activates_at } => Some(activates_at),
            Self::Active => None,
            Self::Retiring { gone_at } => Some(gone_at),
        }
    }

    /// Reads word and moment; `None` for a pair that no state has.
    pub fn from_parts(word: &str, until: Option<Timestamp>) -> Option<Self> {
        match (word, until) {
            ("pending", Some(activates_at)) => Some(Self::Pending { activates_at }),
            ("active", None) => Some(Self::Active),
            ("retiring", Some(gone_at)) => Some(Self::Retiring { gone_at }),
            _ => None,
        }
    }
}

/// Which tokens a signing key signs. Verifiers that look at nothing but the signature must not take a token that a
/// partner's application holds about a person for that person's session with the product: the two have different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Tokens whose holder acts for itself: sessions with the product, and machines. Published at `/sso/jwks/{client_id}`
    /// and `/oauth2/jwks`.
    Direct,
    /// Tokens that applications hold about people: access tokens, ID tokens, logout tokens. Published at `/oauth2/jwks`
    /// only.
    Delegated,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::Direct, Self::Delegated];

    /// The word in storage and in commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Delegated => "delegated",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A signing key as it is stored.
#[derive(Debug, Clone)]
pub struct SigningKeyRecord {
    /// Its identifier, the `kid`.
    pub id: SigningKeyId,
    /// Whose tokens it signs.
    pub environment_id: EnvironmentId,
    /// Which tokens it signs.
    pub purpose: KeyPurpose,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public half, as the algorithm's key type writes it.
    pub public_key: Vec<u8>,
    /// A self-signed certificate of the public half, DER.
    pub certificate: Vec<u8>,
    /// The private half (PKCS #8), sealed for this environment and key.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}
