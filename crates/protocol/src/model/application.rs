//! Connect applications: the clients of `/oauth2/*`.

use super::MadeBy;
use crate::id::{ApplicationId, ClientId, ClientSecretId, OrganizationId};
use crate::oauth::client_name::ClientName;
use crate::secret::Digest;
use crate::time::Timestamp;
use std::borrow::Cow;

/// The maximum number of active secrets of an application.
pub const MAX_CLIENT_SECRETS: usize = 5;

/// A Connect application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectApplication {
    /// Its identifier.
    pub id: ApplicationId,
    /// Its public OAuth client ID; for a client with a metadata document, only the ID it is stored under.
    pub client_id: ClientId,
    /// The URL of its metadata document, which then is its client name.
    pub metadata_url: Option<String>,
    /// The display name.
    pub name: String,
    /// The description shown to users.
    pub description: Option<String>,
    /// The scopes assigned to it, in the order given.
    pub scopes: Vec<String>,
    /// The kind of client, with the data specific to that kind.
    pub kind: ApplicationKind,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ConnectApplication {
    /// Its client name on the wire.
    pub fn client_name(&self) -> ClientName<'_> {
        match &self.metadata_url {
            Some(url) => ClientName::Document(Cow::Borrowed(url)),
            None => ClientName::Issued(self.client_id),
        }
    }

    /// Whether it registered itself.
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
    /// An application that users sign in to (`oauth` on the wire).
    OAuth {
        /// Who operates it.
        ownership: Ownership,
        /// Whether it can keep a secret.
        client_type: ClientType,
        /// The redirect URIs that codes may be sent to.
        redirect_uris: Vec<RedirectUri>,
        /// Browser origins that may call the token endpoint.
        cors_origins: Vec<String>,
        /// The URL that is notified when a user signs out (OpenID Connect Back-Channel Logout §2.2).
        backchannel_logout_uri: Option<String>,
    },
}

/// Who operates an OAuth application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The environment's owner: no consent page.
    FirstParty,
    /// A customer or partner: consent page.
    ThirdParty {
        /// The organization that publishes it.
        organization_id: OrganizationId,
    },
    /// Unknown: it registered itself (RFC 7591), or has a metadata document.
    DynamicallyRegistered,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// It authenticates with a secret.
    Confidential,
    /// It cannot keep one; PKCE is mandatory.
    Public,
}

/// A redirect URI of an OAuth application.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RedirectUri {
    /// The URI, compared as text.
    pub uri: String,
    /// Whether it is used when none is specified.
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
    /// Who created it.
    pub made_by: MadeBy,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
