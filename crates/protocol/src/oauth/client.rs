//! A client as the token path sees it: an application with the digests of its live secrets.

use crate::id::EnvironmentId;
use crate::model::{
    ApplicationKind, ClientSecret, ClientType, ConnectApplication, LoginUri, Logo, RegisteredGrant, SelfRegistered,
};
use crate::time::Timestamp;

/// An OAuth client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The environment it belongs to.
    pub environment_id: EnvironmentId,
    /// The application it is.
    pub application: ConnectApplication,
    /// Its live secrets.
    pub secrets: Vec<ClientSecret>,
    /// What people know it by, besides its name.
    pub logo: Logo,
    /// Where its people sign in, where that is not where the environment says.
    pub login_uri: Option<LoginUri>,
    /// What is remembered of it if nobody registered it by hand.
    pub registered: Option<SelfRegistered>,
}

impl Client {
    /// Whether what people are shown of it is what they were shown when they agreed.
    pub fn is_as_agreed_to(&self, agreed_at: Timestamp) -> bool {
        self.registered.is_none_or(|registered| agreed_at >= registered.changed_at)
    }

    /// Whether it has registered a grant, where it has registered itself: nobody may begin what it never does in its name.
    pub fn may(&self, grant: RegisteredGrant) -> bool {
        self.registered.is_none_or(|registered| registered.grants.has(grant))
    }

    /// Whether it can keep a secret (RFC 6749 §2.1).
    pub fn client_type(&self) -> ClientType {
        match self.application.kind {
            ApplicationKind::Machine { .. } => ClientType::Confidential,
            ApplicationKind::OAuth { client_type, .. } => client_type,
        }
    }
}
