//! How people prove who they are.

use serde::{Deserialize, Serialize};

/// How somebody has proven who they are when a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// They knew the password.
    Password,
    /// They read the mail of the account.
    MagicAuth,
    /// The company's own login has said so (Standalone Connect).
    ExternalAuth,
    /// They followed a link into the dashboard that another member of staff, or the command line, has made.
    Link,
}

impl AuthenticationMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::MagicAuth, Self::ExternalAuth, Self::Link];

    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::MagicAuth => "magic_auth",
            Self::ExternalAuth => "external_auth",
            Self::Link => "link",
        }
    }

    /// Reads the word in storage.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// The word for it in a session, as the API shows it (`auth_method`).
    pub const fn of_session(self) -> &'static str {
        match self {
            Self::MagicAuth => "magic_code",
            other => other.as_str(),
        }
    }

    /// The word for it in the answer to a sign-in (`authentication_method`); `None` for what no sign-in of the API answers with.
    pub const fn of_answer(self) -> Option<&'static str> {
        match self {
            Self::Password => Some("Password"),
            Self::MagicAuth => Some("MagicAuth"),
            Self::ExternalAuth => Some("ExternalAuth"),
            Self::Link => None,
        }
    }

    /// Whether it was proven here: at our own pages, or to the API. Else somebody else answers for it, also for a second factor.
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
