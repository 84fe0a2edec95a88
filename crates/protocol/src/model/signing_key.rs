//! The lifecycle of a signing key: pending, active, retiring, gone.

use crate::id::{EnvironmentId, SigningKeyId};
use crate::jose::Algorithm;
use crate::time::Timestamp;

/// The state of a signing key in its lifecycle. A key that is gone no longer has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, so that clients can fetch it, but not signing yet.
    Pending {
        /// When it starts signing.
        activates_at: Timestamp,
    },
    /// Signing.
    Active,
    /// No longer signing, but published until its last token has expired.
    Retiring {
        /// When it is deleted.
        gone_at: Timestamp,
    },
}

impl KeyState {
    /// The stored value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Active => "active",
            Self::Retiring { .. } => "retiring",
        }
    }

    /// When this state ends by itself.
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Pending { activates_at } => Some(activates_at),
            Self::Active => None,
            Self::Retiring { gone_at } => Some(gone_at),
        }
    }

    /// Reassembles a state from its stored parts; `None` if they are inconsistent.
    pub fn from_parts(word: &str, until: Option<Timestamp>) -> Option<Self> {
        match (word, until) {
            ("pending", Some(activates_at)) => Some(Self::Pending { activates_at }),
            ("active", None) => Some(Self::Active),
            ("retiring", Some(gone_at)) => Some(Self::Retiring { gone_at }),
            _ => None,
        }
    }
}

/// The kind of tokens a signing key signs. A verifier that checks only the signature must not mistake a token that a
/// partner's application holds about a user for that user's session with the product, so the two have different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Tokens whose holder acts for itself: sessions with the product, and machine-to-machine tokens. Published at
    /// `/sso/jwks/{client_id}` and `/oauth2/jwks`.
    Direct,
    /// Tokens that applications hold about users: access tokens, ID tokens, logout tokens. Published only at
    /// `/oauth2/jwks`.
    Delegated,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::Direct, Self::Delegated];

    /// The word used in storage and in commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Delegated => "delegated",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A stored signing key.
#[derive(Debug, Clone)]
pub struct SigningKeyRecord {
    /// Its identifier, the `kid`.
    pub id: SigningKeyId,
    /// The environment whose tokens it signs.
    pub environment_id: EnvironmentId,
    /// The kind of tokens it signs.
    pub purpose: KeyPurpose,
    /// The algorithm it signs with.
    pub algorithm: Algorithm,
    /// Its state.
    pub state: KeyState,
    /// The public key, in the encoding of the algorithm's key type.
    pub public_key: Vec<u8>,
    /// A self-signed certificate for the public key, in DER.
    pub certificate: Vec<u8>,
    /// The private key (PKCS #8), sealed for this environment and key.
    pub sealed_private_key: Vec<u8>,
    /// When it was created.
    pub created_at: Timestamp,
}
