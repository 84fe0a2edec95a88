//! Claims of tokens whose signature was checked, by the SHA-256 of the whole token: verifying the same token again
//! (which introspection does all day) costs a hash instead of a signature. Whether the token still stands is asked anew
//! each time; nothing of that is kept here.

use aws_lc_rs::digest;
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::oauth::access_token::AccessTokenClaims;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The claims of a verified token and the key that signed it.
#[derive(Debug)]
pub struct Verified {
    /// The key: when it is burnt, the entry is worth nothing.
    pub kid: SigningKeyId,
    /// The claims.
    pub claims: AccessTokenClaims,
}

/// A bounded cache of verified tokens.
#[derive(Debug)]
pub struct VerifiedTokens(Cache<[u8; 32], Arc<Verified>>);

/// What a token is found by.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        let mut hash = [0_u8; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

impl VerifiedTokens {
    /// A cache for so many.
    pub fn new(entries: usize) -> Self {
        Self(Cache::new(entries))
    }

    /// The claims, if the token was verified.
    pub fn get(&self, hash: TokenHash) -> Option<Arc<Verified>> {
        self.0.get(&hash.0)
    }

    /// Remembers a verified token.
    pub fn insert(&self, hash: TokenHash, verified: Arc<Verified>) {
        self.0.insert(hash.0, verified);
    }
}
