//! What an environment allows its own application: where people may be sent, and from where browsers may call.

use crate::id::{CorsOriginId, RedirectUriId};
use crate::time::Timestamp;

/// What people are sent to a URI for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectPurpose {
    /// With a code, after signing in.
    SignIn,
    /// With nothing, after signing out. A code is never sent there.
    SignOut,
}

impl RedirectPurpose {
    /// The word in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SignIn, Self::SignOut].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A URI to which the environment's own application may have people sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRedirectUri {
    /// Its identifier.
    pub id: RedirectUriId,
    /// For what.
    pub purpose: RedirectPurpose,
    /// The URI, compared as text; its port may be a wildcard.
    pub uri: String,
    /// Whether it is the one used when none is named.
    pub default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An origin whose pages may call what browsers may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin {
    /// Its identifier.
    pub id: CorsOriginId,
    /// The origin, as browsers send it.
    pub origin: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
