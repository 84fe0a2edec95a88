//! The ways in which users authenticate.

use serde::{Deserialize, Serialize};

/// How a user authenticated when a session started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// With the password.
    Password,
    /// With a code from the account's mailbox.
    MagicAuth,
    /// Through the company's own login (Standalone Connect).
    ExternalAuth,
    /// With a dashboard sign-in link created by another staff member or on the command line.
    Link,
}

impl AuthenticationMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::MagicAuth, Self::ExternalAuth, Self::Link];

    /// The stored value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::MagicAuth => "magic_auth",
            Self::ExternalAuth => "external_auth",
            Self::Link => "link",
        }
    }

    /// Parses the stored value.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// The value of `auth_method` for a session in the API.
    pub const fn of_session(self) -> &'static str {
        match self {
            Self::MagicAuth => "magic_code",
            other => other.as_str(),
        }
    }

    /// The value of `authentication_method` in a sign-in response; `None` for a method that no API sign-in responds
    /// with.
    pub const fn of_answer(self) -> Option<&'static str> {
        match self {
            Self::Password => Some("Password"),
            Self::MagicAuth => Some("MagicAuth"),
            Self::ExternalAuth => Some("ExternalAuth"),
            Self::Link => None,
        }
    }

    /// Whether the user authenticated here: on our own pages or through the API. Otherwise someone else vouches for the
    /// user, second factor included.
    pub const fn is_here(self) -> bool {
        !matches!(self, Self::ExternalAuth)
    }
}

#[cfg(test)]
mod tests {
    use super::AuthenticationMethod;

    #[test]
    fn words_in_storage_and_in_sealed_texts_are_the_same_and_are_read_back() {
        for method in AuthenticationMethod::ALL {
            assert_eq!(AuthenticationMethod::parse(method.as_str()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert_eq!(AuthenticationMethod::parse("Password"), None);
    }
}
