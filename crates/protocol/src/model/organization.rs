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
    /// Custom key-value metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its customer ID at Stripe.
    pub stripe_customer_id: Option<String>,
    /// A deprecated switch that older clients still read and write.
    pub allow_profiles_outside_organization: bool,
    /// The domains it claims, oldest first.
    pub domains: Vec<OrganizationDomain>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The state of a domain's verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// Claimed, verification pending.
    Pending,
    /// Verified, or vouched for by the company.
    Verified,
    /// Not verified in time.
    Failed,
}

impl DomainState {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    /// Parses the value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Verified, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// How a domain is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationStrategy {
    /// By a TXT record.
    Dns,
    /// Vouched for by the company when it added the domain.
    Manual,
}

impl VerificationStrategy {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Manual => "manual",
        }
    }

    /// Parses the value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Dns, Self::Manual].into_iter().find(|strategy| strategy.as_str() == text)
    }
}

/// A domain that an organization claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDomain {
    /// Its identifier.
    pub id: OrganizationDomainId,
    /// The organization that claims it.
    pub organization_id: OrganizationId,
    /// The domain, in lower case and ASCII.
    pub domain: String,
    /// The state of its verification.
    pub state: DomainState,
    /// How it is verified.
    pub verification_strategy: VerificationStrategy,
    /// The value that the TXT record must contain.
    pub verification_token: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
