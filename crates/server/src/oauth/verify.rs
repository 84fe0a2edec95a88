//! Reading back our own access tokens: the signature once, remembered by the token's hash.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::cache::verified_tokens::{TokenHash, Verified};
use countersign_protocol::jose::UnverifiedToken;
use countersign_protocol::oauth::access_token::AccessTokenClaims;
use std::sync::Arc;

/// The claims of a token that one of this environment's published keys signed; `None` for anything else. Says nothing
/// about whether the token still stands.
pub fn access_token(app: &App, environment: &EnvironmentState, token: &str) -> Option<Arc<Verified>> {
    let hash = TokenHash::of(token);
    if let Some(verified) = app.caches.verified_tokens.get(hash) {
        // The key must still be published, and by this environment.
        return environment.verifier(verified.kid).map(|_| verified);
    }
    let unverified = UnverifiedToken::decode(token).ok()?;
    let (purpose, key) = environment.verifier(unverified.kid())?;
    let claims: AccessTokenClaims = key.verify(&unverified).ok()?;
    // A key signs the tokens of its purpose and no others.
    if purpose != claims.signed_for() {
        return None;
    }
    let verified = Arc::new(Verified { kid: unverified.kid(), claims });
    app.caches.verified_tokens.insert(hash, Arc::clone(&verified));
    Some(verified)
}
