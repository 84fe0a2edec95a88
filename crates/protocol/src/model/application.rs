//! Connect applications: the clients of `/oauth2/*`.

use super::MadeBy;
use crate::id::{ApplicationId, ClientId, ClientSecretId, OrganizationId};
use crate::oauth::client_name::ClientName;
use crate::secret::Digest;
use crate::time::Timestamp;
use std::borrow::Cow;

/// How many live secrets an application may have.
pub const MAX_CLIENT_SECRETS: usize = 5;

/// A Connect application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectApplication {
    /// Its identifier.
    pub id: ApplicationId,
    /// Its public OAuth identifier; of a client with a metadata document only the one it is kept under.
    pub client_id: ClientId,
    /// The URL of its metadata document, which is its name then.
    pub metadata_url: Option<String>,
    /// What people read.
    pub name: String,
    /// What people read when they want to know more.
    pub description: Option<String>,
    /// The scopes assigned to it, in the order given.
    pub scopes: Vec<String>,
    /// What kind of client it is, with what only that kind has.
    pub kind: ApplicationKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ConnectApplication {
    /// What it is called on the wire.
    pub fn client_name(&self) -> ClientName<'_> {
        match &self.metadata_url {
            Some(url) => ClientName::Document(Cow::Borrowed(url)),
            None => ClientName::Issued(self.client_id),
        }
    }

    /// Whether nobody registered it by hand.
    pub fn registered_itself(&self) -> bool {
        matches!(self.kind, ApplicationKind::OAuth { ownership: Ownership::DynamicallyRegistered, .. })
    }

    /// The organization it belongs to, if any.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        match self.kind {
            ApplicationKind::Machine { organization_id }
            | ApplicationKind::OAuth { ownership: Ownership::ThirdParty { organization_id }, .. } => {
                Some(organization_id)
            }
            ApplicationKind::OAuth { .. } => None,
        }
    }
}

/// The kinds of application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationKind {
    /// A program that acts for an organization: client credentials only (`m2m` on the wire).
    Machine {
        /// The organization it acts for.
        organization_id: OrganizationId,
    },
    /// An application that people sign in to (`oauth` on the wire).
    OAuth {
        /// Who operates it.
        ownership: Ownership,
        /// Whether it can keep a secret.
        client_type: ClientType,
        /// Where codes may be sent.
        redirect_uris: Vec<RedirectUri>,
        /// Browser origins that may call the token endpoint.
        cors_origins: Vec<String>,
        /// Where it is told that somebody has signed out (OpenID Connect Back-Channel Logout §2.2).
        backchannel_logout_uri: Option<String>,
    },
}

/// Who operates an OAuth application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The environment's owner: no consent screen.
    FirstParty,
    /// A customer or partner: consent screen.
    ThirdParty {
        /// The organization that publishes it.
        organization_id: OrganizationId,
    },
    /// Nobody known: it registered itself (RFC 7591), or has a metadata document.
    DynamicallyRegistered,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// It authenticates with a secret.
    Confidential,
    /// It cannot; PKCE is compulsory.
    Public,
}

/// A redirect URI of an OAuth application.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RedirectUri {
    /// The URI, compared as text.
    pub uri: String,
    /// Whether it is the one used when none is named.
    pub default: bool,
}

/// A client secret of an application: everything but its value.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// Its identifier.
    pub id: ClientSecretId,
    /// The keyed digest of its value.
    pub digest: Digest,
    /// The last characters of its value.
    pub hint: String,
    /// Who has made it.
    pub made_by: MadeBy,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
