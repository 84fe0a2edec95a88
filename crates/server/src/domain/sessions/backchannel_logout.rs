//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): when a session ends, the applications that a user has
//! signed in to with it are notified, if they have registered a logout URI.

use crate::domain::Failure;
use crate::keys::keyring::Keyring;
use countersign_protocol::id::{ClientId, SessionId};
use countersign_protocol::model::{ApplicationKind, ConnectApplication, EnvironmentKind, Issuer};
use countersign_protocol::outbound::{Reach, Target};

/// The name by which an application knows a session. It differs between applications: it serves only to recognize the
/// session, and two applications cannot find out that they share one.
pub fn session_name(keyring: &Keyring, session_id: SessionId, client_id: ClientId) -> String {
    keyring.session_name.digest(&format!("{session_id} {client_id}")).to_base64url()
}

/// An application's back-channel logout URI; `None` if it has not registered one.
pub fn logout_uri(application: &ConnectApplication) -> Option<&str> {
    match &application.kind {
        ApplicationKind::OAuth { backchannel_logout_uri, .. } => backchannel_logout_uri.as_deref(),
        ApplicationKind::Machine { .. } => None,
    }
}

/// How far an environment's requests may reach: this machine is allowed only in a staging environment that itself runs
/// on it.
pub fn reach(kind: EnvironmentKind, issuer: &Issuer) -> Reach {
    if kind == EnvironmentKind::Staging && issuer.is_this_machine() {
        Reach::PublicAndThisMachine
    } else {
        Reach::Public
    }
}

/// Checks whether a URI can be registered. Its host name is resolved only when it is called.
///
/// # Errors
/// 422.
pub fn check_uri(uri: &str, reach: Reach) -> Result<(), Failure> {
    match Target::parse(uri, reach) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Failure::invalid("backchannel_logout_uri", "invalid", format!("backchannel_logout_uri {error}.")))
        }
    }
}
