//! Clients that nobody registered by hand: what an environment thinks of them, and what is remembered of one.

use super::RegisteredGrants;
use crate::oauth::registration::freshness::is_listed;
use crate::time::Timestamp;

/// What an environment allows clients to do without anybody's hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelfRegistration {
    /// Which metadata documents make a client.
    pub documents: DocumentPolicy,
    /// Whether clients may register themselves (RFC 7591).
    pub dynamic: bool,
}

/// Whose metadata documents make a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DocumentPolicy {
    /// Nobody's.
    #[default]
    Off,
    /// Everybody's.
    Any,
    /// Those on these hosts; `*.example.com` is every host below.
    Listed(Vec<String>),
    /// Those that an administrator has allowed.
    Ask,
}

/// What an administrator has decided about one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It makes a client.
    Allowed,
    /// It makes none, whatever the policy.
    Refused,
}

/// Whether a document makes a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// An administrator has to be asked.
    AskFirst,
}

impl DocumentPolicy {
    /// Whether the document of a URL makes a client. An administrator's word on one document comes before the policy; but
    /// where documents are off, none makes one.
    pub fn admits(&self, url: &str, decision: Option<Decision>) -> Admission {
        match (self, decision) {
            (Self::Off, _) | (_, Some(Decision::Refused)) => Admission::No,
            (_, Some(Decision::Allowed)) | (Self::Any, None) => Admission::Yes,
            (Self::Listed(hosts), None) if is_listed(url, hosts) => Admission::Yes,
            (Self::Listed(_), None) => Admission::No,
            (Self::Ask, None) => Admission::AskFirst,
        }
    }

    /// The word in storage and in files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Any => "any",
            Self::Listed(_) => "listed",
            Self::Ask => "ask",
        }
    }

    /// Reads the word, with the hosts that go with it.
    pub fn parse(word: &str, hosts: Vec<String>) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "any" => Some(Self::Any),
            "listed" => Some(Self::Listed(hosts)),
            "ask" => Some(Self::Ask),
            _ => None,
        }
    }

    /// The hosts that are listed.
    pub fn hosts(&self) -> &[String] {
        if let Self::Listed(hosts) = self { hosts } else { &[] }
    }
}

impl Decision {
    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::Refused].into_iter().find(|decision| decision.as_str() == text)
    }
}

/// What is remembered of a client that nobody registered by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfRegistered {
    /// When what people are shown of it last changed: what was agreed to before is asked again.
    pub changed_at: Timestamp,
    /// Until when its metadata document is good; `None` for a client that registered itself.
    pub fresh_until: Option<Timestamp>,
    /// What an administrator has decided about its document.
    pub decision: Option<Decision>,
    /// What it has registered to do.
    pub grants: RegisteredGrants,
}

/// A document that somebody wanted to use, or that was decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDocument {
    /// Its URL.
    pub url: String,
    /// What was decided; `None` for one that waits.
    pub decision: Option<Decision>,
    /// When somebody first wanted to use it, or it was decided about.
    pub created_at: Timestamp,
    /// When it was decided about.
    pub decided_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_stronger_than_any_policy_and_off_is_off() {
        let listed = DocumentPolicy::Listed(vec!["client.example".into()]);
        let check = |policy: &DocumentPolicy, decision, expected| {
            assert_eq!(policy.admits("https://client.example/x", decision), expected, "{policy:?} {decision:?}");
        };
        for policy in [DocumentPolicy::Off, DocumentPolicy::Any, DocumentPolicy::Ask, listed.clone()] {
            check(&policy, Some(Decision::Refused), Admission::No);
            let allowed = if policy == DocumentPolicy::Off { Admission::No } else { Admission::Yes };
            check(&policy, Some(Decision::Allowed), allowed);
        }
        check(&DocumentPolicy::Off, None, Admission::No);
        check(&DocumentPolicy::Any, None, Admission::Yes);
        check(&DocumentPolicy::Ask, None, Admission::AskFirst);
        check(&listed, None, Admission::Yes);
        check(&DocumentPolicy::Listed(vec!["*.example.com".into()]), None, Admission::No);
    }
}
