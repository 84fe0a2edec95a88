//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628).

use crate::id::{ApplicationId, ConsentId, OrganizationId, SessionId, UserId};
use crate::model::Persona;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::secret::Digest;
use crate::time::Timestamp;

/// The lifetime of a device code, in seconds.
pub const LIFETIME: i64 = 300;
/// The initial polling interval, in seconds.
pub const INTERVAL: i64 = 5;

/// The letters of user codes: no vowels, so no words, and no look-alikes (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// Generates a user code, `XXXX-XXXX`, from random bytes. Bytes that would bias the letters are skipped; `None` when
/// too few remain.
pub fn user_code(random: &[u8]) -> Option<String> {
    let letters: Vec<char> = random
        .iter()
        .filter(|byte| **byte < 240)
        .map(|byte| char::from(LETTERS[usize::from(byte % 20)]))
        .take(LENGTH)
        .collect();
    let (first, second) = letters.split_at_checked(LENGTH / 2)?;
    (letters.len() == LENGTH)
        .then(|| format!("{}-{}", first.iter().collect::<String>(), second.iter().collect::<String>()))
}

/// Parses a user code as typed by a user: in any case, with or without the dash.
pub fn read_user_code(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let good = letters.len() == LENGTH && letters.bytes().all(|b| LETTERS.contains(&b));
    good.then(|| letters.split_at(LENGTH / 2)).map(|(first, second)| format!("{first}-{second}"))
}

/// The state of a device authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// The code has not been answered yet.
    Pending,
    /// The user approved.
    Approved,
    /// The user denied.
    Denied,
    /// Tokens have been issued.
    Redeemed,
}

impl DeviceState {
    /// The stored value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Redeemed => "redeemed",
        }
    }

    /// Parses the stored value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Denied, Self::Redeemed].into_iter().find(|state| state.as_str() == text)
    }
}

/// A device waiting for a user's approval.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization {
    /// The keyed digest of its device code.
    pub digest: Digest,
    /// The code that the user types.
    pub user_code: String,
    /// The application the device runs.
    pub application_id: ApplicationId,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// The state of the authorization.
    pub state: DeviceState,
    /// The user's approval, once given.
    pub approval: Option<Approval>,
    /// The polling interval, in seconds.
    pub interval: i64,
    /// When the device last polled.
    pub polled_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A user's approval of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The consent.
    pub consent_id: ConsentId,
    /// The user.
    pub user_id: UserId,
    /// The selected organization.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it was approved.
    pub session_id: Option<SessionId>,
    /// How the user appears in tokens.
    pub persona: Persona,
    /// When the user authenticated.
    pub authenticated_at: Timestamp,
}

/// The result of a successful poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready(pub Approval);

fn refused(code: OAuthErrorCode, description: &'static str) -> OAuthError {
    OAuthError::new(code, description)
}

/// One description for every invalid code.
pub fn rejection() -> OAuthError {
    OAuthError::invalid_grant("The device code is unknown or used, or is not for this client.")
}

/// Evaluates a poll. On `slow_down`, the caller must increase the stored interval.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (RFC 8628 §3.5), `invalid_grant`.
pub fn poll(
    device: &DeviceAuthorization,
    client: AuthenticatedClient<'_>,
    now: Timestamp,
) -> Result<Ready, OAuthError> {
    if device.application_id != client.client().application.id || device.state == DeviceState::Redeemed {
        return Err(rejection());
    }
    is_answered(device.state, device.polled_at, (device.interval, device.expires_at), now)?;
    device.approval.clone().map(Ready).ok_or_else(rejection)
}

/// Checks whether the user has approved, given when the device last polled and its polling interval in seconds.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (RFC 8628 §3.5).
pub fn is_answered(
    state: DeviceState,
    polled_at: Option<Timestamp>,
    (interval, expires_at): (i64, Timestamp),
    now: Timestamp,
) -> Result<(), OAuthError> {
    if now >= expires_at {
        return Err(refused(OAuthErrorCode::ExpiredToken, "The device code has expired."));
    }
    // One second of tolerance for network jitter.
    if polled_at.is_some_and(|last| now < last.plus_secs(interval - 1)) {
        return Err(refused(OAuthErrorCode::SlowDown, "Poll less often: add five seconds to the interval."));
    }
    match state {
        DeviceState::Approved => Ok(()),
        DeviceState::Denied => Err(refused(OAuthErrorCode::AccessDenied, "The person said no.")),
        DeviceState::Redeemed => Err(rejection()),
        DeviceState::Pending => Err(refused(OAuthErrorCode::AuthorizationPending, "The person has not answered yet.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_user_code_is_read_however_it_is_typed() {
        assert_eq!(read_user_code("bcdf-ghjk").as_deref(), Some("BCDF-GHJK"));
        assert_eq!(read_user_code(" BCDF GHJK ").as_deref(), Some("BCDF-GHJK"));
        for bad in ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "BCDF-GHJ\u{212a}"] {
            assert_eq!(read_user_code(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(random: [u8; 32]) {
            if let Some(code) = user_code(&random) {
                prop_assert_eq!(read_user_code(&code), Some(code.clone()));
                prop_assert_eq!(read_user_code(&code.to_lowercase().replace('-', "")), Some(code));
            }
        }

        #[test]
        fn reading_noise_never_panics(text in "\\PC{0,40}") {
            let _ = read_user_code(&text);
        }
    }
}
