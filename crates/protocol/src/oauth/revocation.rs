//! Token revocation (RFC 7009): a client ends a token that was issued to it.

use super::access_token::AccessTokenClaims;
use super::client_auth::AuthenticatedClient;
use crate::id::TokenId;
use crate::time::Timestamp;

/// What to do about a verified token that a client wants ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Remember the token as revoked until it expires.
    Remember {
        /// Which.
        jti: TokenId,
        /// Until when it would be valid.
        expires_at: Timestamp,
    },
    /// Nothing: it is expired, or another client's. The answer is 200 all the same (RFC 7009 §2.2), so that a client
    /// learns nothing of tokens that are not its own.
    Nothing,
}

/// Decides what to do about a verified token.
pub fn revoke(client: AuthenticatedClient<'_>, claims: &AccessTokenClaims, now: Timestamp) -> Revocation {
    let own = client.client().application.client_name().is(&claims.client_id);
    if own && claims.exp > now.as_secs() {
        Revocation::Remember { jti: claims.jti, expires_at: Timestamp::from_millis(0).plus_secs(claims.exp) }
    } else {
        Revocation::Nothing
    }
}
