use askama::Template;

use super::Shell;

/// How far the proof of a domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainState {
    /// Proven.
    Verified,
    /// The record is awaited.
    Pending,
    /// It was not found in time.
    Failed,
}

/// A domain of the organization.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The value of the field `domain_id`.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// How far its proof is.
    pub state: DomainState,
    /// The value of the record that proves it.
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
    /// What it stands in.
    pub shell: &'a Shell<'a>,
    /// Them.
    pub domains: &'a [Domain],
    /// What was typed and could not be added.
    pub typed: &'a str,
}

impl Domains<'_> {
    fn any_verified(&self) -> bool {
        self.domains.iter().any(Domain::verified)
    }
}
