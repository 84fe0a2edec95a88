//! `grant_type=authorization_code` (RFC 6749 §4.1.3).

use crate::model::AuthorizationCode;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::OAuthError;
use crate::oauth::pkce;
use crate::time::Timestamp;

/// How long a code is good, in seconds.
pub const CODE_LIFETIME: i64 = 60;

/// Why a code is not redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Who presents it has not shown that it is theirs: it is another client's, or comes without its verifier. Nothing is done, or
    /// anybody who finds a code in a log could end what others were issued.
    Unproven(OAuthError),
    /// The request is wrong otherwise, or the code has expired; it is not spent by this.
    Wrong(OAuthError),
}

/// One sentence for every code that is not good, so that nobody learns which codes exist.
pub fn not_good() -> OAuthError {
    OAuthError::invalid_grant(
        "The authorization code is unknown, expired or used, or is not for this client and redirect URI.",
    )
}

/// Checks a code against the client that presents it, and what comes with it.
///
/// # Errors
/// See [`Refused`].
pub fn redeem(
    code: &AuthorizationCode,
    client: AuthenticatedClient<'_>,
    redirect_uri: Option<&str>,
    code_verifier: Option<&str>,
    now: Timestamp,
) -> Result<(), Refused> {
    if code.application_id != client.client().application.id {
        return Err(Refused::Unproven(not_good()));
    }
    pkce::verify(code.code_challenge.as_ref(), code_verifier).map_err(Refused::Unproven)?;
    // A code that is bound to its challenge needs no more: OAuth 2.1 has dropped the parameter (§10.2). One that is sent must be right.
    let at_home = match redirect_uri {
        Some(uri) => uri == code.redirect_uri,
        None => code.code_challenge.is_some(),
    };
    if now >= code.expires_at || !at_home {
        return Err(Refused::Wrong(not_good()));
    }
    Ok(())
}
