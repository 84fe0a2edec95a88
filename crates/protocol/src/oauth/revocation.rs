//! Token revocation (RFC 7009): a client revokes a token that was issued to it.

use super::access_token::AccessTokenClaims;
use super::client_auth::AuthenticatedClient;
use crate::id::TokenId;
use crate::time::Timestamp;

/// The action to take for a verified token that a client wants to revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Record the token as revoked until it expires.
    Remember {
        /// The token's identifier.
        jti: TokenId,
        /// When the token would expire.
        expires_at: Timestamp,
    },
    /// Nothing: the token is expired or belongs to another client. The response is 200 regardless (RFC 7009 §2.2), so
    /// that a client learns nothing about tokens that are not its own.
    Nothing,
}

/// Determines the action for a verified token.
pub fn revoke(client: AuthenticatedClient<'_>, claims: &AccessTokenClaims, now: Timestamp) -> Revocation {
    let own = client.client().application.client_name().is(&claims.client_id);
    if own && claims.exp > now.as_secs() {
        Revocation::Remember { jti: claims.jti, expires_at: Timestamp::from_millis(0).plus_secs(claims.exp) }
    } else {
        Revocation::Nothing
    }
}
