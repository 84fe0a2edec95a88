//! Self-registered clients: an environment's policy on them, and what is stored about one.

use super::RegisteredGrants;
use crate::oauth::registration::freshness::is_listed;
use crate::time::Timestamp;

/// What an environment allows clients to do without manual registration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelfRegistration {
    /// Which metadata documents are accepted as clients.
    pub documents: DocumentPolicy,
    /// Whether clients may register themselves (RFC 7591).
    pub dynamic: bool,
}

/// The policy on metadata documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DocumentPolicy {
    /// None are accepted.
    #[default]
    Off,
    /// All are accepted.
    Any,
    /// Those on these hosts are accepted; `*.example.com` matches every subdomain.
    Listed(Vec<String>),
    /// Those that an administrator has allowed are accepted.
    Ask,
}

/// An administrator's decision about one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The document is accepted.
    Allowed,
    /// The document is rejected, whatever the policy.
    Refused,
}

/// Whether a document is accepted as a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is accepted.
    Yes,
    /// It is rejected.
    No,
    /// An administrator must decide first.
    AskFirst,
}

impl DocumentPolicy {
    /// Whether the document at a URL is accepted. An administrator's decision about the document takes precedence over
    /// the policy, except that none is accepted where documents are off.
    pub fn admits(&self, url: &str, decision: Option<Decision>) -> Admission {
        match (self, decision) {
            (Self::Off, _) | (_, Some(Decision::Refused)) => Admission::No,
            (_, Some(Decision::Allowed)) | (Self::Any, None) => Admission::Yes,
            (Self::Listed(hosts), None) if is_listed(url, hosts) => Admission::Yes,
            (Self::Listed(_), None) => Admission::No,
            (Self::Ask, None) => Admission::AskFirst,
        }
    }

    /// The word used in storage and in files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Any => "any",
            Self::Listed(_) => "listed",
            Self::Ask => "ask",
        }
    }

    /// Parses the word, together with its hosts.
    pub fn parse(word: &str, hosts: Vec<String>) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "any" => Some(Self::Any),
            "listed" => Some(Self::Listed(hosts)),
            "ask" => Some(Self::Ask),
            _ => None,
        }
    }

    /// The listed hosts.
    pub fn hosts(&self) -> &[String] {
        if let Self::Listed(hosts) = self { hosts } else { &[] }
    }
}

impl Decision {
    /// The stored value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    /// Parses the stored value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::Refused].into_iter().find(|decision| decision.as_str() == text)
    }
}

/// What is stored about a self-registered client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfRegistered {
    /// When what users are shown of it last changed: earlier consents must be given again.
    pub changed_at: Timestamp,
    /// When its metadata document stops being fresh; `None` for a dynamically registered client.
    pub fresh_until: Option<Timestamp>,
    /// An administrator's decision about its document.
    pub decision: Option<Decision>,
    /// The grants it has registered.
    pub grants: RegisteredGrants,
}

/// A metadata document that someone tried to use, or that was decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDocument {
    /// Its URL.
    pub url: String,
    /// The decision; `None` while it is pending.
    pub decision: Option<Decision>,
    /// When someone first tried to use it, or when it was decided about.
    pub created_at: Timestamp,
    /// When the decision was made.
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
