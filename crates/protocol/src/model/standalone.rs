//! Standalone Connect: people sign in at the company's own login, and the applications that ask are served here.

use super::{ConsentOption, EnvironmentKind, WebAddress, WebAddressError};
use crate::id::{ApplicationId, ExternalAuthenticationId, UserId};
use crate::time::Timestamp;

/// How an environment lets people sign in elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standalone {
    /// Where people sign in; `None` is here.
    pub login_uri: Option<LoginUri>,
    /// Whom the tokens of people who have signed in elsewhere name.
    pub subject: StandaloneSubject,
}

/// What is the `sub` of somebody who has signed in elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StandaloneSubject {
    /// The company's own identifier.
    #[default]
    ExternalId,
    /// Ours.
    UserId,
}

impl StandaloneSubject {
    /// The word in storage and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::UserId => "user_id",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ExternalId, Self::UserId].into_iter().find(|subject| subject.as_str() == text)
    }
}

/// The parameter that a login URI gets.
const PARAMETER: &str = "external_auth_id";

/// The address at which people sign in elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginUri(WebAddress);

/// Why a text is no login URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginUriError {
    /// Nobody can be sent there.
    #[error(transparent)]
    Address(#[from] WebAddressError),
    /// It has the parameter already.
    #[error("must not have an external_auth_id of its own")]
    Parameter,
}

impl LoginUri {
    /// Reads a login URI of an environment of this kind. It is kept as it was written.
    ///
    /// # Errors
    /// See [`LoginUriError`].
    pub fn parse(text: &str, kind: EnvironmentKind) -> Result<Self, LoginUriError> {
        let address = WebAddress::parse(text, kind)?;
        if address.has(PARAMETER) { Err(LoginUriError::Parameter) } else { Ok(Self(address)) }
    }

    /// One that was read before and kept since.
    pub fn from_kept(text: String) -> Self {
        Self(WebAddress::from_kept(text))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where a person is sent to sign in. A query that is there stays.
    pub fn with(&self, id: ExternalAuthenticationId) -> String {
        self.0.with(&[(PARAMETER, &id.to_string())])
    }
}

/// Somebody who was sent away to sign in elsewhere. Good for going on in the browser that was sent, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAuthentication {
    /// Its identifier: what the other side gets.
    pub id: ExternalAuthenticationId,
    /// The application that people come from.
    pub application_id: ApplicationId,
    /// Where they were sent.
    pub login_uri: LoginUri,
    /// Where the browser was, sealed for it.
    pub sealed_flow: String,
    /// Who it was, when the other side has said so.
    pub completed: Option<Completed>,
    /// When the browser came back.
    pub used_at: Option<Timestamp>,
    /// Until when what comes next may come.
    pub expires_at: Timestamp,
}

/// What the other side has said of somebody who was sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The person.
    pub user_id: UserId,
    /// What they are to choose, as JSON; `None` where the application asks for no consent, and so nothing was said of it.
    pub consent_options: Option<String>,
}

/// A sign-in elsewhere, in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLogin {
    /// When it was.
    pub authenticated_at: Timestamp,
    /// What the person is to choose; `None` while they have come from no application that asks for consent.
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
