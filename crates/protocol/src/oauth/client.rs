//! A client as the token path sees it: an application with the digests of its active secrets.

use crate::id::EnvironmentId;
use crate::model::{
    ApplicationKind, ClientSecret, ClientType, ConnectApplication, LoginUri, Logo, RegisteredGrant, SelfRegistered,
};
use crate::time::Timestamp;

/// An OAuth client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The environment the client belongs to.
    pub environment_id: EnvironmentId,
    /// The client's application.
    pub application: ConnectApplication,
    /// The client's active secrets.
    pub secrets: Vec<ClientSecret>,
    /// The client's logo, shown to users next to its name.
    pub logo: Logo,
    /// The client's own sign-in address, if it overrides the environment's.
    pub login_uri: Option<LoginUri>,
    /// Registration state; present only for a client that registered itself.
    pub registered: Option<SelfRegistered>,
}

impl Client {
    /// Whether the client is still presented to users as it was when they consented.
    pub fn is_as_agreed_to(&self, agreed_at: Timestamp) -> bool {
        self.registered.is_none_or(|registered| agreed_at >= registered.changed_at)
    }

    /// Whether the client may use a grant. A self-registered client may use only the grants it registered.
    pub fn may(&self, grant: RegisteredGrant) -> bool {
        self.registered.is_none_or(|registered| registered.grants.has(grant))
    }

    /// Whether the client can keep a secret (RFC 6749 §2.1).
    pub fn client_type(&self) -> ClientType {
        match self.application.kind {
            ApplicationKind::Machine { .. } => ClientType::Confidential,
            ApplicationKind::OAuth { client_type, .. } => client_type,
        }
    }
}
