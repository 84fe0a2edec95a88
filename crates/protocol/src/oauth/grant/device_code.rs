//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628).

use crate::id::{ApplicationId, ConsentId, OrganizationId, SessionId, UserId};
use crate::model::Persona;
use crate::oauth::client_auth::AuthenticatedClient;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::secret::Digest;
use crate::time::Timestamp;

/// How long a device code is good, in seconds.
pub const LIFETIME: i64 = 300;
/// How many seconds a device waits between two polls, to begin with.
pub const INTERVAL: i64 = 5;

/// Letters of user codes: no vowels, so no words, and none that look like others (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// Writes a user code, `XXXX-XXXX`, from random bytes. Bytes that would favour some letters are passed over; `None` when
/// too few are left.
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

/// Reads a user code as people type it: in any case, with or without the dash.
pub fn read_user_code(text: &str) -> Option<String> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let good = letters.len() == LENGTH && letters.bytes().all(|b| LETTERS.contains(&b));
    good.then(|| letters.split_at(LENGTH / 2)).map(|(first, second)| format!("{first}-{second}"))
}

/// How far an authorization of a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has entered the code yet.
    Pending,
    /// The person agreed.
    Approved,
    /// The person said no.
    Denied,
    /// Tokens were issued.
    Redeemed,
}

impl DeviceState {
    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Redeemed => "redeemed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Denied, Self::Redeemed].into_iter().find(|state| state.as_str() == text)
    }
}

/// A device that waits for a person.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization {
    /// The keyed digest of its device code.
    pub digest: Digest,
    /// What the person types.
    pub user_code: String,
    /// Whose device.
    pub application_id: ApplicationId,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// How far it has come.
    pub state: DeviceState,
    /// Who agreed, to what, when that happened.
    pub approval: Option<Approval>,
    /// How many seconds the device has to wait between two polls.
    pub interval: i64,
    /// When it polled last.
    pub polled_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// What a person has agreed to for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The consent.
    pub consent_id: ConsentId,
    /// The person.
    pub user_id: UserId,
    /// The organization that was chosen.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it was agreed.
    pub session_id: Option<SessionId>,
    /// How the person appears in tokens.
    pub persona: Persona,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
}

/// What a poll finds, when it is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready(pub Approval);

fn refused(code: OAuthErrorCode, description: &'static str) -> OAuthError {
    OAuthError::new(code, description)
}

/// One sentence for every code that is not good.
pub fn not_good() -> OAuthError {
    OAuthError::invalid_grant("The device code is unknown or used, or is not for this client.")
}

/// Decides about a poll. `slow_down` is to be noted by adding to the interval.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (RFC 8628 §3.5), `invalid_grant`.
pub fn poll(
    device: &DeviceAuthorization,
    client: AuthenticatedClient<'_>,
    now: Timestamp,
) -> Result<Ready, OAuthError> {
    if device.application_id != client.client().application.id || device.state == DeviceState::Redeemed {
        return Err(not_good());
    }
    is_answered(device.state, device.polled_at, (device.interval, device.expires_at), now)?;
    device.approval.clone().map(Ready).ok_or_else(not_good)
}

/// Whether the person has agreed, for a device that polled last at this moment and has to wait so many seconds between
/// two polls.
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
    // A second of grace: networks are not that exact.
    if polled_at.is_some_and(|last| now < last.plus_secs(interval - 1)) {
        return Err(refused(OAuthErrorCode::SlowDown, "Poll less often: add five seconds to the interval."));
    }
    match state {
        DeviceState::Approved => Ok(()),
        DeviceState::Denied => Err(refused(OAuthErrorCode::AccessDenied, "The person said no.")),
        DeviceState::Redeemed => Err(not_good()),
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
