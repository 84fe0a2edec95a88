//! What an environment allows its own application: redirect URIs, and origins that may call it from a browser.

use crate::id::{CorsOriginId, RedirectUriId};
use crate::time::Timestamp;

/// What a redirect URI is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectPurpose {
    /// Receives a code after sign-in.
    SignIn,
    /// Receives nothing, after sign-out. A code is never sent there.
    SignOut,
}

impl RedirectPurpose {
    /// The word used in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SignIn, Self::SignOut].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A redirect URI of the environment's own application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRedirectUri {
    /// Its identifier.
    pub id: RedirectUriId,
    /// What it is used for.
    pub purpose: RedirectPurpose,
    /// The URI, compared as text; its port may be a wildcard.
    pub uri: String,
    /// Whether it is used when none is specified.
    pub default: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An origin whose pages may call the endpoints that browsers may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin {
    /// Its identifier.
    pub id: CorsOriginId,
    /// The origin, as browsers send it.
    pub origin: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
