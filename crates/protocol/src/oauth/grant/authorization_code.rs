//! `grant_type=authorization_code` (RFC 6749 §4.1.3).

use crate::model::AuthorizationCode;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::OAuthError;
use crate::oauth::pkce;
use crate::time::Timestamp;

/// The lifetime of a code, in seconds.
pub const CODE_LIFETIME: i64 = 60;

/// Why a code is not redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The presenter has not shown that the code is theirs: it is another client's, or comes without its verifier.
    /// Nothing is changed; otherwise, anyone who finds a code in a log could revoke tokens issued to others.
    Unproven(OAuthError),
    /// The request is otherwise wrong, or the code has expired; the code is not consumed.
    Wrong(OAuthError),
}

/// One description for every invalid code, so that it does not reveal which codes exist.
pub fn rejection() -> OAuthError {
    OAuthError::invalid_grant(
        "The authorization code is unknown, expired or used, or is not for this client and redirect URI.",
    )
}

/// Checks a code against the client that presents it and the accompanying parameters.
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
        return Err(Refused::Unproven(rejection()));
    }
    pkce::verify(code.code_challenge.as_ref(), code_verifier).map_err(Refused::Unproven)?;
    // A code bound to a challenge needs no redirect URI, as OAuth 2.1 dropped the parameter (§10.2). If sent, it must
    // match.
    let at_home = match redirect_uri {
        Some(uri) => uri == code.redirect_uri,
        None => code.code_challenge.is_some(),
    };
    if now >= code.expires_at || !at_home {
        return Err(Refused::Wrong(rejection()));
    }
    Ok(())
}
