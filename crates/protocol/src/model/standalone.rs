//! Standalone Connect: users sign in at the company's own login, while this server serves the applications that request
//! it.

use super::{ConsentOption, EnvironmentKind, WebAddress, WebAddressError};
use crate::id::{ApplicationId, ExternalAuthenticationId, UserId};
use crate::time::Timestamp;

/// How an environment lets users sign in externally.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standalone {
    /// Where users sign in; `None` means on this server.
    pub login_uri: Option<LoginUri>,
    /// The subject of tokens for users who signed in externally.
    pub subject: StandaloneSubject,
}

/// The `sub` of a user who signed in externally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StandaloneSubject {
    /// The company's own identifier for the user.
    #[default]
    ExternalId,
    /// This server's identifier for the user.
    UserId,
}

impl StandaloneSubject {
    /// The word used in storage and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::UserId => "user_id",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ExternalId, Self::UserId].into_iter().find(|subject| subject.as_str() == text)
    }
}

/// The query parameter added to a login URI.
const PARAMETER: &str = "external_auth_id";

/// The URL at which users sign in externally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginUri(WebAddress);

/// Why a text is not a valid login URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginUriError {
    /// Users cannot be sent there.
    #[error(transparent)]
    Address(#[from] WebAddressError),
    /// It already has the parameter.
    #[error("must not have an external_auth_id of its own")]
    Parameter,
}

impl LoginUri {
    /// Parses a login URI of an environment of this kind. It is stored exactly as written.
    ///
    /// # Errors
    /// See [`LoginUriError`].
    pub fn parse(text: &str, kind: EnvironmentKind) -> Result<Self, LoginUriError> {
        let address = WebAddress::parse(text, kind)?;
        if address.has(PARAMETER) { Err(LoginUriError::Parameter) } else { Ok(Self(address)) }
    }

    /// Restores a login URI that was parsed earlier and stored.
    pub fn from_stored(text: String) -> Self {
        Self(WebAddress::from_stored(text))
    }

    /// The URI as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL a user is redirected to for sign-in. An existing query is preserved.
    pub fn with(&self, id: ExternalAuthenticationId) -> String {
        self.0.with(&[(PARAMETER, &id.to_string())])
    }
}

/// A redirect to the external login. The flow can be resumed once, and only in the browser that was redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAuthentication {
    /// Its identifier, which is passed to the external login.
    pub id: ExternalAuthenticationId,
    /// The application the user came from.
    pub application_id: ApplicationId,
    /// The login URI the user was redirected to.
    pub login_uri: LoginUri,
    /// The browser's authorization flow, sealed.
    pub sealed_flow: String,
    /// The signed-in user, once the external login has reported them.
    pub completed: Option<Completed>,
    /// When the browser returned.
    pub used_at: Option<Timestamp>,
    /// The deadline for the next step.
    pub expires_at: Timestamp,
}

/// The external login's report about a redirected user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The user.
    pub user_id: UserId,
    /// The choices to be made, as JSON; `None` if the application needs no consent, in which case none were given.
    pub consent_options: Option<String>,
}

/// An external sign-in within a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLogin {
    /// When the user authenticated.
    pub authenticated_at: Timestamp,
    /// The choices to be made; `None` as long as the user has come from no application that requires consent.
    pub consent_options: Option<Vec<ConsentOption>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    fn check(text: &str, kind: EnvironmentKind, expected: Result<(), LoginUriError>) {
        assert_eq!(LoginUri::parse(text, kind).map(drop), expected, "{text}");
    }

    #[test]
    fn a_login_uri_is_an_address_that_gets_the_parameter_once() {
        use EnvironmentKind::Staging;
        check("https://app.example.com/login?tenant=a&x", Staging, Ok(()));
        check("https://app.example.com/?a=1&external_auth_id=x", Staging, Err(LoginUriError::Parameter));
        check("https://app.example.com/?external%5Fauth_id=x", Staging, Err(LoginUriError::Parameter));
        check("http://app.example.com/", Staging, Err(WebAddressError::NotHttps.into()));
    }

    #[test]
    fn a_query_that_is_there_stays() {
        let with = |text: &str| LoginUri::parse(text, EnvironmentKind::Production).unwrap().with(Id::from_ulid(1));
        let id = "external_auth_id=ext_auth_00000000000000000000000001";
        assert_eq!(with("https://a.example/login"), format!("https://a.example/login?{id}"));
        assert_eq!(with("https://a.example/login?"), format!("https://a.example/login?{id}"));
        assert_eq!(with("https://a.example/login?x=1"), format!("https://a.example/login?x=1&{id}"));
        assert_eq!(with("https://a.example/login?x=1&"), format!("https://a.example/login?x=1&{id}"));
    }

    proptest! {
        #[test]
        fn threat_31_a_person_is_sent_to_the_host_that_was_checked(text in "https?://[a-z0-9.@:/?#&=%\\\\-]{0,40}|\\PC{0,40}") {
            if let Ok(uri) = LoginUri::parse(&text, EnvironmentKind::Production) {
                let before = url::Url::parse(uri.as_str()).unwrap();
                let after = url::Url::parse(&uri.with(Id::from_ulid(1))).unwrap();
                prop_assert_eq!(before.origin(), after.origin());
                prop_assert_eq!(before.path(), after.path());
                prop_assert_eq!(after.scheme(), "https");
                prop_assert_eq!(after.query_pairs().filter(|(name, _)| name == PARAMETER).count(), 1);
            }
        }
    }
}
