//! Standalone Connect: people sign in at the company's own login, and the applications that ask are served here.

use super::environment::is_this_machine;
use super::{ConsentOption, EnvironmentKind};
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
/// Longest login URI.
const LONGEST: usize = 2000;

/// The address at which people sign in elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginUri(String);

/// Why a text is no login URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginUriError {
    /// No URL, or a very long one.
    #[error("must be an absolute URL of at most 2000 characters, without a backslash")]
    NotAUrl,
    /// Another scheme.
    #[error("must be https; http only on localhost, and not in production")]
    NotHttps,
    /// `user:password@`.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// `#…`.
    #[error("must not contain a fragment")]
    Fragment,
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
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>');
        if text.len() > LONGEST || !text.bytes().all(plain) {
            return Err(LoginUriError::NotAUrl);
        }
        let url = url::Url::parse(text).map_err(|_| LoginUriError::NotAUrl)?;
        let encrypted = text.starts_with("https://");
        let own = kind != EnvironmentKind::Production && text.starts_with("http://") && is_this_machine(&url);
        if !encrypted && !own {
            return Err(LoginUriError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LoginUriError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(LoginUriError::Fragment);
        }
        if url.query_pairs().any(|(name, _)| name == PARAMETER) {
            return Err(LoginUriError::Parameter);
        }
        Ok(Self(text.to_owned()))
    }

    /// One that was read before and kept since.
    pub fn from_kept(text: String) -> Self {
        Self(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where a person is sent to sign in. A query that is there stays.
    pub fn with(&self, id: ExternalAuthenticationId) -> String {
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{separator}{PARAMETER}={id}", self.0)
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
    fn a_login_uri_is_where_a_person_can_be_sent() {
        use EnvironmentKind::{Production, Staging};
        for good in
            ["https://app.example.com/login", "https://app.example.com/login?tenant=a&x", "https://10.0.0.1:8443"]
        {
            check(good, Staging, Ok(()));
            check(good, Production, Ok(()));
        }
        for local in ["http://localhost:3000/login", "http://127.0.0.1/login", "http://[::1]:3000/"] {
            check(local, Staging, Ok(()));
            check(local, Production, Err(LoginUriError::NotHttps));
        }
        check("http://app.example.com/login", Staging, Err(LoginUriError::NotHttps));
        check("http://localhost.evil.example/login", Staging, Err(LoginUriError::NotHttps));
        check("javascript:alert(1)", Staging, Err(LoginUriError::NotHttps));
        check("https:app.example.com", Staging, Err(LoginUriError::NotHttps));
        check("https://me:secret@app.example.com/", Staging, Err(LoginUriError::Credentials));
        check("https://app.example.com/#login", Staging, Err(LoginUriError::Fragment));
        check("https://app.example.com/?a=1&external_auth_id=x", Staging, Err(LoginUriError::Parameter));
        check("https://app.example.com/?external%5Fauth_id=x", Staging, Err(LoginUriError::Parameter));
        for bad in [
            "",
            "/login",
            "https://app.example.com\\@evil.example",
            "https://app.example.com/a b",
            "https://b\u{fc}cher.example/",
        ] {
            check(bad, Staging, Err(LoginUriError::NotAUrl));
        }
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
