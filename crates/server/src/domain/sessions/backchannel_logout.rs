//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): applications that have registered an address are told
//! when a session ends that somebody has signed in to them with.

use crate::domain::Failure;
use crate::keys::keyring::Keyring;
use countersign_protocol::id::{ClientId, SessionId};
use countersign_protocol::model::{ApplicationKind, ConnectApplication, EnvironmentKind, Issuer};
use countersign_protocol::outbound::{Reach, Target};

/// The name that an application has for a session: another one for every application, so that it is good for nothing but
/// to recognise the session, and two applications cannot find out that they share one.
pub fn session_name(keyring: &Keyring, session_id: SessionId, client_id: ClientId) -> String {
    keyring.session_name.digest(&format!("{session_id} {client_id}")).to_base64url()
}

/// Where an application is told; `None` for one that does not want to be.
pub fn logout_uri(application: &ConnectApplication) -> Option<&str> {
    match &application.kind {
        ApplicationKind::OAuth { backchannel_logout_uri, .. } => backchannel_logout_uri.as_deref(),
        ApplicationKind::Machine { .. } => None,
    }
}

/// How far requests of an environment may reach: this machine only where everything is tried out on it.
pub fn reach(kind: EnvironmentKind, issuer: &Issuer) -> Reach {
    if kind == EnvironmentKind::Staging && issuer.is_this_machine() {
        Reach::PublicAndThisMachine
    } else {
        Reach::Public
    }
}

/// Whether an address can be registered. What its name stands for is found out when it is called.
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
