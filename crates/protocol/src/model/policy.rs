//! How users of an environment may sign in, and for how long.

use super::TokenFamily;

/// How long users stay signed in. A change takes effect at once, including for users already signed in: a shorter
/// policy ends sessions that are too old for it, a longer one extends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The maximum length of a session in seconds, however much it is used.
    pub maximum_length: i64,
    /// The number of seconds without use after which a session ends.
    pub inactivity_timeout: i64,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { maximum_length: 30 * 86_400, inactivity_timeout: 7 * 86_400 }
    }
}

/// Why a session policy is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionPolicyError {
    /// Too short or too long.
    #[error(
        "maximum_length and inactivity_timeout must be {} to {} seconds",
        SessionPolicy::MIN_LENGTH,
        SessionPolicy::MAX_LENGTH
    )]
    OutOfBounds,
    /// The inactivity timeout would never be reached.
    #[error("inactivity_timeout must not be longer than maximum_length")]
    TimeoutLongerThanSession,
    /// A client that refreshes only when its access token expires would be too late.
    #[error("inactivity_timeout must be longer than an access token lives ({0} seconds)")]
    TimeoutWithinAccessToken(i64),
}

impl SessionPolicy {
    /// The shortest session, in seconds.
    pub const MIN_LENGTH: i64 = 300;
    /// The longest session, in seconds: no browser keeps a cookie longer.
    pub const MAX_LENGTH: i64 = 400 * 86_400;

    /// Checks that the policy is usable with this access token lifetime.
    ///
    /// # Errors
    /// See [`SessionPolicyError`].
    pub fn check(self, access_token_lifetime: i64) -> Result<Self, SessionPolicyError> {
        let bounds = Self::MIN_LENGTH..=Self::MAX_LENGTH;
        if !bounds.contains(&self.maximum_length) || !bounds.contains(&self.inactivity_timeout) {
            return Err(SessionPolicyError::OutOfBounds);
        }
        if self.inactivity_timeout > self.maximum_length {
            return Err(SessionPolicyError::TimeoutLongerThanSession);
        }
        if self.inactivity_timeout <= access_token_lifetime {
            return Err(SessionPolicyError::TimeoutWithinAccessToken(access_token_lifetime));
        }
        Ok(self)
    }

    /// Limits a refresh token family's expiry to what this policy allows.
    pub fn bound(self, family: TokenFamily) -> TokenFamily {
        let expires_at = family.expires_at.min(family.created_at.plus_secs(self.maximum_length));
        let idle_expires_at = family.idle_expires_at.min(family.rotated_at.plus_secs(self.inactivity_timeout));
        TokenFamily { expires_at, idle_expires_at: idle_expires_at.min(expires_at), ..family }
    }
}

/// How users may authenticate, and whether anyone may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication {
    /// Whether users may create accounts themselves. Invited users always may.
    pub sign_up: bool,
    /// Whether passwords are accepted.
    pub password: bool,
    /// Whether a code sent by email is accepted instead of the password (Magic Auth).
    pub magic_auth: bool,
    /// Whether every user needs a second factor. Users who have one are always asked for it.
    pub mfa_required: bool,
}

impl Default for Authentication {
    fn default() -> Self {
        Self { sign_up: true, password: true, magic_auth: true, mfa_required: false }
    }
}

/// Both sign-in methods are off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("password and magic_auth cannot both be off: nobody could sign in")]
pub struct NoMethodLeft;

impl Authentication {
    /// Checks that at least one sign-in method is left.
    ///
    /// # Errors
    /// See [`NoMethodLeft`].
    pub fn check(self) -> Result<Self, NoMethodLeft> {
        if self.password || self.magic_auth { Ok(self) } else { Err(NoMethodLeft) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_policy_can_be_lived_with() {
        let check = |maximum_length, inactivity_timeout, lifetime, expected: Result<(), SessionPolicyError>| {
            let policy = SessionPolicy { maximum_length, inactivity_timeout };
            assert_eq!(policy.check(lifetime).map(drop), expected, "{policy:?} {lifetime}");
        };
        let default = SessionPolicy::default();
        check(default.maximum_length, default.inactivity_timeout, 86_400, Ok(()));
        check(301, 301, 300, Ok(()));
        check(400 * 86_400, 400 * 86_400, 300, Ok(()));
        check(299, 299, 60, Err(SessionPolicyError::OutOfBounds));
        check(400 * 86_400 + 1, 3600, 60, Err(SessionPolicyError::OutOfBounds));
        check(3600, 0, 60, Err(SessionPolicyError::OutOfBounds));
        check(3600, i64::MIN, 60, Err(SessionPolicyError::OutOfBounds));
        check(3600, 3601, 60, Err(SessionPolicyError::TimeoutLongerThanSession));
        check(3600, 600, 600, Err(SessionPolicyError::TimeoutWithinAccessToken(600)));
    }

    #[test]
    fn one_method_stays() {
        for (password, magic_auth) in [(true, true), (true, false), (false, true)] {
            assert!(Authentication { sign_up: false, password, magic_auth, mfa_required: false }.check().is_ok());
        }
        let none = Authentication { sign_up: true, password: false, magic_auth: false, mfa_required: true };
        assert_eq!(none.check(), Err(NoMethodLeft));
    }
}
