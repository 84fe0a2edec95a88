//! Environments and their settings.

pub mod branding;
pub mod cors_origins;
pub mod declared_list;
pub mod environment_api_keys;
pub mod jwt_templates;
pub mod oauth_resources;
pub mod redirect_uris;
pub mod standalone;

use crate::domain::organizations::roles;
use crate::domain::{Act, Failure, audit_log};
use crate::entropy::{Entropy, NoEntropy};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::management::fields::is_slug;
use countersign_protocol::model::{
    Authentication, DefaultMails, Environment, EnvironmentKind, Issuer, PortalSettings, SelfRegistration,
    SessionPolicy, SigningKeyRecord,
};
use countersign_protocol::oauth::registration::freshness::is_host_entry;
use countersign_protocol::time::Timestamp;
use countersign_protocol::user_management::session_token::check_issuer;
use countersign_store::change::{self, Topic};
use countersign_store::environment::{self, EnvironmentSettings};
use countersign_store::{Error, Tx, signing_key};
use std::sync::Arc;

/// The default lifetime of access tokens, in seconds.
pub const DEFAULT_TOKEN_LIFETIME: i64 = 300;

/// The allowed lifetimes of an access token, in seconds.
const ACCESS_TOKEN_LIFETIME: std::ops::RangeInclusive<i64> = 30..=86_400;

/// Validates the settings of an environment, individually and in combination.
///
/// # Errors
/// 422.
pub fn check(environment: &Environment) -> Result<(), Failure> {
    let lifetime = environment.access_token_lifetime;
    if !ACCESS_TOKEN_LIFETIME.contains(&lifetime) {
        return Err(Failure::invalid("access_token_lifetime", "invalid", "Must be 30 to 86400 seconds."));
    }
    let wrong = |field: &str, error: &dyn std::fmt::Display| Failure::invalid(field, "invalid", format!("{error}."));
    if let Some(chosen) = &environment.session_issuer {
        check_issuer(chosen, &environment.issuer).map_err(|error| wrong("session_issuer", &error))?;
    }
    environment.sessions.check(lifetime).map_err(|error| wrong("sessions", &error))?;
    environment.authentication.check().map_err(|error| wrong("authentication", &error))?;
    for host in environment.self_registration.documents.hosts() {
        if !is_host_entry(host) {
            let why = format!("'{host}' is no host such as claude.ai or *.example.com.");
            return Err(Failure::invalid("client_id_metadata_hosts", "invalid", why));
        }
    }
    if let Err((page, error)) = environment.product_pages.check(environment.kind) {
        return Err(Failure::invalid("pages", "invalid", format!("pages.{page} {error}.")));
    }
    // Browsers remove these from a URL's path.
    if matches!(environment.name.as_str(), "." | "..") {
        return Err(Failure::invalid("name", "invalid", "The name needs a letter or a digit."));
    }
    for slug in &environment.portal.permissions {
        if !is_slug(slug) {
            return Err(Failure::invalid(
                "portal.permissions",
                "invalid",
                format!("'{slug}' is no permission's slug."),
            ));
        }
    }
    Ok(())
}

/// Stores the settings of an environment; takes effect on every node within a second.
///
/// # Errors
/// As [`check`].
pub async fn update(tx: &mut Tx, act: &Act, environment: &Environment) -> Result<(), Failure> {
    check(environment)?;
    standalone::check_kind(tx, environment).await?;
    let settings = EnvironmentSettings {
        kind: environment.kind,
        session_issuer: environment.session_issuer.clone(),
        signing_algorithm: environment.signing_algorithm,
        access_token_lifetime: environment.access_token_lifetime,
        sessions: environment.sessions,
        authentication: environment.authentication,
        self_registration: environment.self_registration.clone(),
        portal: environment.portal.clone(),
        product_pages: Arc::clone(&environment.product_pages),
        default_mails: environment.default_mails,
    };
    environment::update(tx, environment.id, settings, act.now).await?;
    change::record(tx, environment.id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "environment.updated", "environment", environment.id).await
}

/// Changes some settings of an environment; the others keep their current values in the database, not in memory.
///
/// # Errors
/// As [`update`], and errors of `change`; 404 when the environment was deleted.
pub async fn change_settings(
    tx: &mut Tx,
    act: &Act,
    change: impl FnOnce(&mut Environment) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    signing_key::lock(tx, act.environment_id).await?;
    let found = environment::all(tx).await?.into_iter().find(|known| known.id == act.environment_id);
    let mut changed = found.ok_or_else(|| Failure::not_found("Environment", act.environment_id))?;
    let before = changed.clone();
    change(&mut changed)?;
    if changed == before {
        return Ok(());
    }
    update(tx, act, &changed).await
}

/// Creates a new environment, not yet stored.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn fresh(
    name: &str,
    kind: EnvironmentKind,
    issuer: Issuer,
    signing_algorithm: Algorithm,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<Environment, NoEntropy> {
    Ok(Environment {
        id: entropy.id(now)?,
        name: name.to_owned(),
        kind,
        client_id: entropy.id(now)?,
        issuer,
        signing_algorithm,
        session_issuer: None,
        access_token_lifetime: DEFAULT_TOKEN_LIFETIME,
        sessions: SessionPolicy::default(),
        authentication: Authentication::default(),
        self_registration: SelfRegistration::default(),
        portal: PortalSettings::default(),
        product_pages: Arc::default(),
        default_mails: DefaultMails::default(),
        brand: Arc::default(),
        created_at: now,
        updated_at: now,
    })
}

/// Stores a new environment with its first signing keys and its default role.
///
/// # Errors
/// `Unique` when the name, issuer or client id is taken: see [`taken`].
pub async fn insert(
    tx: &mut Tx,
    act: &Act,
    environment: &Environment,
    keys: &[SigningKeyRecord],
) -> Result<(), Failure> {
    environment::insert(tx, environment).await?;
    for key in keys {
        signing_key::insert(tx, key).await?;
    }
    audit_log::note(tx, act, "environment.created", "environment", environment.id).await?;
    roles::ensure_default(tx, act).await?;
    change::record(tx, environment.id, &Topic::Environment, act.now);
    Ok(())
}

/// Converts a failure to store a new environment into a user-facing error.
pub fn taken(failure: Failure) -> Failure {
    let taken = |field: &str, what: &str| {
        Failure::invalid(field, "taken", format!("The {what} belongs to another environment already."))
    };
    match &failure {
        Failure::Store(error @ Error::Unique { .. }) if error.is_unique("environment", "name") => taken("name", "name"),
        Failure::Store(error @ Error::Unique { .. }) if error.is_unique("environment", "issuer") => {
            taken("issuer", "issuer")
        }
        _ => failure,
    }
}
