use askama::Template;

use super::Shell;

/// The verification state of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainState {
    /// Verified.
    Verified,
    /// Waiting for the DNS record.
    Pending,
    /// The record was not found in time.
    Failed,
}

/// A domain of the organization.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The value of the field `domain_id`.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// Its verification state.
    pub state: DomainState,
    /// The value of the DNS record that verifies it.
    pub record: String,
}

impl Domain {
    fn verified(&self) -> bool {
        self.state == DomainState::Verified
    }

    fn failed(&self) -> bool {
        self.state == DomainState::Failed
    }
}

/// The domains of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/domains.html")]
pub struct Domains<'a> {
    /// The page shell.
    pub shell: &'a Shell<'a>,
    /// The domains.
    pub domains: &'a [Domain],
    /// The typed domain that was refused.
    pub typed: &'a str,
}

impl Domains<'_> {
    fn any_verified(&self) -> bool {
        self.domains.iter().any(Domain::verified)
    }
}
