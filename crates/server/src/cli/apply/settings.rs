//! The settings of an environment, as the file declares them.

use super::End;
use super::document::{ClientsEntry, EnvironmentEntry, MailsEntry};
use crate::domain::{Act, Failure, environments};
use crate::installation::Installation;
use crate::keys::signing;
use countersign_protocol::id::ClientId;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{
    DocumentPolicy, Environment, EnvironmentKind, Issuer, PortalCredentials, ProductPages, SigningKeyRecord, WebAddress,
};
use countersign_store::Tx;
use std::sync::Arc;

fn read_kind(word: &str) -> Result<EnvironmentKind, String> {
    EnvironmentKind::parse(word).ok_or_else(|| "kind must be 'staging' or 'production'.".to_owned())
}

fn read_algorithm(word: &str) -> Result<Algorithm, String> {
    Algorithm::parse(word).ok_or_else(|| "signing_algorithm must be 'RS256', 'ES256' or 'EdDSA'.".to_owned())
}

/// Returns the issuer of an environment that does not exist yet.
pub(super) fn issuer_of_new(entry: &EnvironmentEntry) -> Result<Issuer, String> {
    let issuer = entry.issuer.as_deref().ok_or("a new environment needs an issuer.")?;
    Issuer::parse(issuer).map_err(|error| format!("issuer {error}."))
}

pub(super) fn fresh_environment(
    entry: &EnvironmentEntry,
    installation: &Installation,
) -> Result<(Environment, Vec<SigningKeyRecord>), String> {
    let issuer = issuer_of_new(entry)?;
    let kind = match &entry.kind {
        Some(word) => read_kind(word)?,
        None if issuer.is_this_machine() => EnvironmentKind::Staging,
        None => EnvironmentKind::Production,
    };
    let algorithm = entry.signing_algorithm.as_deref().map_or(Ok(Algorithm::Rs256), read_algorithm)?;
    let mut environment =
        installation.new_environment(&entry.name, kind, issuer, algorithm).map_err(|failure| failure.to_string())?;
    if let Some(client_id) = &entry.client_id {
        environment.client_id = ClientId::parse(client_id).map_err(|_| "client_id must be 'client_' and a ULID.")?;
    }
    settle(entry, &mut environment)?;
    environments::check(&environment).map_err(|failure| failure.to_string())?;
    let now = installation.clock.now();
    let keys = signing::generate_first(&environment, &installation.keyring, &installation.entropy, now);
    Ok((environment, keys.map_err(|error| error.to_string())?))
}

/// Applies the settings given in the file; the rest stay unchanged.
fn settle(entry: &EnvironmentEntry, environment: &mut Environment) -> Result<(), String> {
    fn set<T: Copy>(declared: Option<T>, current: &mut T) {
        if let Some(value) = declared {
            *current = value;
        }
    }
    if let Some(chosen) = &entry.session_issuer {
        environment.session_issuer = Some(chosen.clone()).filter(|chosen| !chosen.is_empty());
    }
    set(entry.access_token_lifetime, &mut environment.access_token_lifetime);
    set(entry.sessions.maximum_length, &mut environment.sessions.maximum_length);
    set(entry.sessions.inactivity_timeout, &mut environment.sessions.inactivity_timeout);
    set(entry.authentication.sign_up, &mut environment.authentication.sign_up);
    set(entry.authentication.password, &mut environment.authentication.password);
    set(entry.authentication.magic_auth, &mut environment.authentication.magic_auth);
    set(entry.authentication.mfa_required, &mut environment.authentication.mfa_required);
    let MailsEntry { invitation, magic_auth, email_verification, password_reset } = entry.mails;
    set(invitation, &mut environment.default_mails.invitation);
    set(magic_auth, &mut environment.default_mails.magic_auth);
    set(email_verification, &mut environment.default_mails.email_verification);
    set(password_reset, &mut environment.default_mails.password_reset);
    if !entry.pages.is_empty() {
        let mut pages = ProductPages::clone(&environment.product_pages);
        for (name, address) in &entry.pages {
            let page = pages.named_mut(name).ok_or_else(|| {
                format!("pages.{name} is no page; there are sign_in, home, invitation and password_reset.")
            })?;
            // An empty string clears it. The address is validated with the other settings.
            *page = (!address.is_empty()).then(|| WebAddress::from_stored(address.clone()));
        }
        environment.product_pages = Arc::new(pages);
    }
    let ClientsEntry { client_id_metadata, client_id_metadata_hosts, dynamic_client_registration } = &entry.clients;
    let clients = &mut environment.self_registration;
    if client_id_metadata.is_some() || client_id_metadata_hosts.is_some() {
        let word = client_id_metadata.as_deref().unwrap_or(clients.documents.as_str());
        let hosts = client_id_metadata_hosts.clone().unwrap_or_else(|| clients.documents.hosts().to_vec());
        if word == "listed" && hosts.is_empty() {
            return Err(
                "clients.client_id_metadata is 'listed', and client_id_metadata_hosts lists nothing.".to_owned()
            );
        }
        if word != "listed" && client_id_metadata_hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()) {
            return Err("clients.client_id_metadata_hosts goes with client_id_metadata = \"listed\".".to_owned());
        }
        clients.documents = DocumentPolicy::parse(word, hosts)
            .ok_or("clients.client_id_metadata must be 'off', 'any', 'listed' or 'ask'.")?;
    }
    if let Some(word) = &entry.portal.credentials {
        environment.portal.credentials =
            PortalCredentials::parse(word).ok_or("portal.credentials must be 'see', 'revoke' or 'create'.")?;
    }
    if let Some(permissions) = &entry.portal.permissions {
        environment.portal.permissions.clone_from(permissions);
    }
    match dynamic_client_registration.as_deref() {
        None => {}
        Some("on") => clients.dynamic = true,
        Some("off") => clients.dynamic = false,
        Some(_) => return Err("clients.dynamic_client_registration must be 'off' or 'on'.".to_owned()),
    }
    Ok(())
}

pub(super) async fn change_environment(
    tx: &mut Tx,
    entry: &EnvironmentEntry,
    mut found: Environment,
    installation: &Installation,
    plan: &mut Vec<String>,
) -> Result<Environment, End> {
    let wrong = |error: String| End::Wrong(format!("environment '{}': {error}", entry.name));
    if entry.issuer.as_deref().is_some_and(|issuer| issuer != found.issuer.as_str()) {
        return Err(wrong(format!(
            "its issuer is {} for its whole life; make another environment for another issuer.",
            found.issuer
        )));
    }
    if entry.client_id.as_deref().is_some_and(|id| id != found.client_id.to_string()) {
        return Err(wrong(format!("its client_id is {} for its whole life.", found.client_id)));
    }
    let before = found.clone();
    if let Some(word) = &entry.kind {
        found.kind = read_kind(word).map_err(wrong)?;
    }
    if let Some(word) = &entry.signing_algorithm {
        found.signing_algorithm = read_algorithm(word).map_err(wrong)?;
    }
    settle(entry, &mut found).map_err(wrong)?;
    if found != before {
        let by = crate::cli::actor("apply");
        let act = Act::new(&found, by, &installation.clock, &installation.entropy, &installation.keyring);
        environments::update(tx, &act, &found).await.map_err(|failure| match failure {
            refused @ Failure::Refused(_) => wrong(refused.to_string()),
            failure => failure.into(),
        })?;
        let hint = if found.signing_algorithm == before.signing_algorithm {
            ""
        } else {
            " (in force from the next 'countersign keys rotate')"
        };
        plan.push(format!("~ environment {}{hint}", found.name));
    }
    Ok(found)
}
