//! Organizations: the customers of the company that runs this server.

use crate::id::{OrganizationDomainId, OrganizationId};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its identifier.
    pub id: OrganizationId,
    /// Its name; not unique.
    pub name: String,
    /// The company's own identifier for it; unique in the environment.
    pub external_id: Option<String>,
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// Its customer number at a payment provider.
    pub stripe_customer_id: Option<String>,
    /// A deprecated switch that older clients still read and write.
    pub allow_profiles_outside_organization: bool,
    /// The domains it claims, oldest first.
    pub domains: Vec<OrganizationDomain>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How far the proof of a domain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// Claimed, proof awaited.
    Pending,
    /// Proven, or vouched for by the company.
    Verified,
    /// The proof did not come in time.
    Failed,
}

impl DomainState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Verified, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// How a domain is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationStrategy {
    /// By a TXT record.
    Dns,
    /// The company said so when it added the domain.
    Manual,
}

impl VerificationStrategy {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Manual => "manual",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Dns, Self::Manual].into_iter().find(|strategy| strategy.as_str() == text)
    }
}

/// A domain that an organization claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDomain {
    /// Its identifier.
    pub id: OrganizationDomainId,
    /// Whose claim it is.
    pub organization_id: OrganizationId,
    /// The domain, in lower case and ASCII.
    pub domain: String,
    /// How far the proof has come.
    pub state: DomainState,
    /// How it is proven.
    pub verification_strategy: VerificationStrategy,
    /// What the TXT record must carry.
    pub verification_token: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
