//! `countersign apply FILE`: brings an installation to the state that a file declares.
//!
//! Everything happens in one transaction: the plan lists what that transaction did, and `--check` rolls it back.
//! Nothing is ever deleted; what the file does not mention stays. Environments and API keys are found by name,
//! permissions by slug, organizations and their log streams by external ID, users by external ID or else by email
//! address, applications by client ID or else by name, and webhook endpoints by URL.

mod addresses;
mod document;
mod look;
mod settings;
mod standalone;
mod streams;
mod users;
mod webhooks;

use super::{CommandResult, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::audit_log::streams::NewStream;
use crate::domain::connect::applications::{self, ApplicationChange, NewApplication, NewApplicationKind};
use crate::domain::connect::client_secrets;
use crate::domain::environments::{self, jwt_templates};
use crate::domain::organizations::permissions::{self, NewPermission};
use crate::domain::organizations::roles;
use crate::domain::organizations::{self, NewOrganization};
use crate::domain::{Act, Failure, audit_log};
use crate::installation::{Installation, InstallationError};
use countersign_protocol::id::{ClientId, EnvironmentId};
use countersign_protocol::management::domain_name;
use countersign_protocol::management::fields::is_slug;
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, DomainState, Environment, Ownership, RedirectUri, SigningKeyRecord,
};
use countersign_protocol::secret::Secret;
use countersign_store::change::{self, Topic};
use countersign_store::{
    Tx, application, client_secret, environment, environment_api_key, jwt_template, organization, permission,
    signing_key, user,
};
use document::{ApplicationEntry, EnvironmentEntry, OrganizationEntry, PermissionEntry};
use look::Pictures;
use settings::{change_environment, fresh_environment, issuer_of_new};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// An entry of the file, together with everything it refers to outside the database.
struct Prepared {
    entry: EnvironmentEntry,
    api_keys: Vec<(String, Secret)>,
    secrets: Vec<Vec<Secret>>,
    /// The users' password hashes in their stored form.
    passwords: Vec<Option<String>>,
    /// The organizations' log streams.
    streams: Vec<NewStream>,
    pictures: Pictures,
    webhook_endpoints: Vec<webhooks::Declared>,
    /// Prepared in case the environment does not exist yet: generating an RSA key takes too long for a transaction.
    fresh: Option<(Environment, Vec<SigningKeyRecord>)>,
}

/// Why the transaction ended without committing.
enum End {
    Failed(Failure),
    Wrong(String),
    /// `--check`: the changes that would have been made.
    Checked(Vec<String>),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
impl From<countersign_store::Error> for End {
    fn from(error: countersign_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) async fn run(config: &Config, file: &str, check: bool) -> CommandResult {
    let path = Path::new(file);
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}."))?;
    let within = |error: String| format!("{file}: {error}");
    let prepared = read(&text, path.parent().unwrap_or(Path::new("."))).map_err(within)?;
    let installation = match Installation::open_existing(config, Clock::default()).await {
        Err(InstallationError::NotSetUp) => {
            // Report errors in the file before creating anything.
            for Prepared { entry, .. } in &prepared {
                issuer_of_new(entry).map_err(|error| within(of_environment(&entry.name, &error)))?;
            }
            if check {
                say("Nothing is set up here yet, so everything in the file would be created. Nothing was changed.")?;
                return Ok(ExitCode::from(2));
            }
            Installation::open(config, Clock::default()).await?
        }
        Err(InstallationError::Outdated) if !check => Installation::open(config, Clock::default()).await?,
        opened => opened?,
    };
    let plan = bring_prepared(&Arc::new(installation), prepared, check).await.map_err(within)?;
    for line in &plan {
        say(line)?;
    }
    let changes = plan.iter().filter(|line| !line.starts_with('!')).count();
    say(match (changes, !check) {
        (0, _) => "Nothing to change.".to_owned(),
        (count, true) => format!("{count} changed."),
        (count, false) => format!("{count} would change. Nothing was changed."),
    })?;
    Ok(if check && changes > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// Brings an installation to the declared state, or with `check` only determines what would change. Paths in the
/// declaration are relative to `base`. Returns one line per change.
///
/// # Errors
/// A message about what is wrong with the declaration.
pub(crate) async fn bring(
    installation: &Arc<Installation>,
    text: &str,
    base: &Path,
    check: bool,
) -> Result<Vec<String>, String> {
    bring_prepared(installation, read(text, base)?, check).await
}

async fn bring_prepared(
    installation: &Arc<Installation>,
    mut prepared: Vec<Prepared>,
    check: bool,
) -> Result<Vec<String>, String> {
    let mut reader = installation.store.reader().await.map_err(|error| error.to_string())?;
    let existing = environment::all(&mut reader).await.map_err(|error| error.to_string())?;
    drop(reader);
    for Prepared { entry, fresh, .. } in &mut prepared {
        if !existing.iter().any(|environment| environment.name == entry.name) {
            let made = fresh_environment(entry, installation);
            *fresh = Some(made.map_err(|error| of_environment(&entry.name, &error))?);
        }
    }
    let shared = Arc::clone(installation);
    let outcome = installation
        .store
        .write::<Vec<String>, End, _>(move |tx| {
            Box::pin(async move {
                let mut plan = Vec::new();
                lock(tx, &prepared).await?;
                for item in &prepared {
                    apply_environment(tx, &shared, item, &mut plan).await?;
                }
                if check { Err(End::Checked(plan)) } else { Ok(plan) }
            })
        })
        .await;
    match outcome {
        Ok(plan) | Err(End::Checked(plan)) => Ok(plan),
        Err(End::Wrong(error)) => Err(error),
        Err(End::Failed(failure)) => Err(failure.to_string()),
    }
}

fn of_environment(name: &str, error: &str) -> String {
    format!("environment '{name}': {error}")
}

/// Reads a declaration and everything it refers to outside the database.
fn read(text: &str, base: &Path) -> Result<Vec<Prepared>, String> {
    document::read(text)?.environments.into_iter().map(|entry| prepare(entry, base)).collect()
}

fn prepare(entry: EnvironmentEntry, base: &Path) -> Result<Prepared, String> {
    let name = entry.name.clone();
    let within = move |error: String| of_environment(&name, &error);
    if !is_slug(&entry.name) {
        return Err(within("name may contain lower-case letters, digits and - _ : . * only.".to_owned()));
    }
    let mut api_keys = Vec::new();
    for key in &entry.api_keys {
        api_keys.push((key.name.clone(), key.value.resolve(base).map_err(&within)?));
    }
    let mut secrets = Vec::new();
    for application in &entry.applications {
        let resolved: Result<Vec<Secret>, String> =
            application.secrets.iter().map(|secret| secret.resolve(base)).collect();
        secrets.push(resolved.map_err(&within)?);
    }
    let passwords: Result<Vec<_>, String> = entry.users.iter().map(|user| users::password(user, base)).collect();
    let passwords = passwords.map_err(&within)?;
    let streams = streams::read(&entry, base).map_err(&within)?;
    let pictures = Pictures::read(&entry, base).map_err(&within)?;
    let webhook_endpoints = webhooks::read(&entry.webhook_endpoints, base).map_err(&within)?;
    Ok(Prepared { entry, api_keys, secrets, passwords, streams, pictures, webhook_endpoints, fresh: None })
}

/// Locks the declared environments, organizations, and users until the end of the transaction, so that what is compared
/// stays unchanged. Locks in a fixed order, whatever the order in the file.
async fn lock(tx: &mut Tx, prepared: &[Prepared]) -> Result<(), End> {
    let known = environment::all(tx).await?;
    let declared = known.iter().filter(|known| prepared.iter().any(|item| item.entry.name == known.name));
    let mut declared: Vec<(EnvironmentId, &str)> = declared.map(|known| (known.id, known.name.as_str())).collect();
    declared.sort_unstable();
    for (id, _) in &declared {
        signing_key::lock(tx, *id).await?;
    }
    for (id, name) in declared {
        let entries = prepared.iter().map(|item| &item.entry).filter(|entry| entry.name == name);
        let (mut organizations, mut people) = (Vec::new(), Vec::new());
        for entry in entries {
            for named in &entry.organizations {
                organizations.extend(organization::find_by_external_id(tx, id, &named.external_id).await?);
            }
            for named in &entry.users {
                people.extend(users::find(tx, id, named).await?);
            }
        }
        organizations.sort_unstable_by_key(|one| one.id);
        people.sort_unstable_by_key(|one| one.id);
        for one in organizations {
            organization::lock(tx, id, one.id).await?;
        }
        for one in people {
            user::lock(tx, id, one.id).await?;
        }
    }
    Ok(())
}

async fn apply_environment(
    tx: &mut Tx,
    installation: &Installation,
    item: &Prepared,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let entry = &item.entry;
    let found = environment::all(tx).await?.into_iter().find(|environment| environment.name == entry.name);
    let environment = match (found, &item.fresh) {
        (Some(found), _) => change_environment(tx, entry, found, installation, plan).await?,
        (None, Some((fresh, keys))) => {
            let by = super::actor("apply");
            let act = Act::new(fresh, by, &installation.clock, &installation.entropy, &installation.keyring);
            environments::insert(tx, &act, fresh, keys).await.map_err(|failure| match failure {
                Failure::Store(error) if error.is_unique("environment", "issuer") => End::Wrong(format!(
                    "environment '{}': the issuer {} belongs to another environment.",
                    entry.name, fresh.issuer
                )),
                Failure::Store(error) if error.is_unique("environment", "client_id") => {
                    End::Wrong(format!("environment '{}': the client_id belongs to another environment.", entry.name))
                }
                failure => failure.into(),
            })?;
            plan.push(format!("+ environment {} ({}), client id {}", fresh.name, fresh.issuer, fresh.client_id));
            fresh.clone()
        }
        (None, None) => return Err(End::Wrong(format!("environment '{}' has just been deleted.", entry.name))),
    };
    let act = Act::new(
        &environment,
        super::actor("apply"),
        &installation.clock,
        &installation.entropy,
        &installation.keyring,
    );
    roles::ensure_default(tx, &act).await?;
    if let Some(content) = &entry.jwt_template {
        apply_jwt_template(tx, &act, content, plan).await?;
    }
    addresses::apply(tx, &act, entry, plan).await?;
    standalone::apply(tx, &act, entry, plan).await?;
    look::apply_branding(tx, &act, entry, &item.pictures, plan).await?;
    for (name, value) in &item.api_keys {
        apply_api_key(tx, installation, (&act, &environment), name, value, plan).await?;
    }
    // In a fixed order, whatever the order in the file: locking the same rows in different orders could deadlock.
    let mut permissions: Vec<&PermissionEntry> = entry.permissions.iter().collect();
    permissions.sort_by(|a, b| a.slug.cmp(&b.slug));
    for permission in permissions {
        apply_permission(tx, &act, permission, plan).await?;
    }
    for organization in &entry.organizations {
        apply_organization(tx, &act, organization, plan).await?;
    }
    for (stream, wanted) in entry.log_streams.iter().zip(&item.streams) {
        streams::apply(tx, &act, stream, wanted, plan).await?;
    }
    for (user, password) in entry.users.iter().zip(&item.passwords) {
        users::apply(tx, &act, user, password.as_ref(), plan).await?;
    }
    for ((application, secrets), logo) in entry.applications.iter().zip(&item.secrets).zip(&item.pictures.applications)
    {
        let made = apply_application(tx, &act, application, plan).await?;
        look::apply_logo(tx, &act, &made, logo, plan).await?;
        standalone::apply_of_application(tx, &act, &made, application, plan).await?;
        for secret in secrets {
            apply_secret(tx, &act, &made, secret, plan).await?;
        }
    }
    // Last: while an endpoint's row is locked, nothing is sent to it.
    for endpoint in &item.webhook_endpoints {
        webhooks::apply(tx, &act, endpoint, plan).await?;
    }
    Ok(())
}

async fn apply_jwt_template(tx: &mut Tx, act: &Act, content: &str, plan: &mut Vec<String>) -> Result<(), End> {
    // An empty string removes the template.
    if content.is_empty() {
        if jwt_templates::remove(tx, act).await? {
            plan.push("- JWT template".to_owned());
        }
        return Ok(());
    }
    let kept = jwt_template::find(tx, act.environment_id).await?;
    if kept.as_ref().is_some_and(|kept| kept.content == content) {
        return Ok(());
    }
    jwt_templates::set(tx, act, content).await?;
    plan.push(format!("{} JWT template", if kept.is_some() { "~" } else { "+" }));
    Ok(())
}

async fn apply_api_key(
    tx: &mut Tx,
    installation: &Installation,
    (act, environment): (&Act, &Environment),
    name: &str,
    value: &Secret,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let digest = installation.keyring.environment_api_key.digest(value.expose());
    let existing = environment_api_key::list(tx, environment.id).await?.into_iter().find(|key| key.name == name);
    let taken = |error: countersign_store::Error| match error {
        error if error.is_unique("environment_api_key", "digest") => End::Wrong(format!(
            "environment '{}': the value of the API key '{name}' is in use already.",
            environment.name
        )),
        error => error.into(),
    };
    match existing {
        Some(key) if environment_api_key::has_digest(tx, environment.id, key.id, &digest).await? => return Ok(()),
        Some(key) => {
            let hint = value.hint(countersign_protocol::model::ENVIRONMENT_API_KEY_HINT);
            environment_api_key::set_digest(tx, environment.id, key.id, &digest, &hint).await.map_err(taken)?;
            audit_log::note(tx, act, "environment_api_key.updated", "environment_api_key", key.id).await?;
            plan.push(format!("~ API key {name}: another value"));
        }
        None => {
            let key = installation.new_api_key(environment, name, value)?;
            environment_api_key::insert(tx, &key, &digest).await.map_err(taken)?;
            audit_log::note(tx, act, "environment_api_key.created", "environment_api_key", key.id).await?;
            plan.push(format!("+ API key {name}"));
        }
    }
    change::record(tx, environment.id, &Topic::EnvironmentApiKeys, installation.clock.now());
    Ok(())
}

async fn apply_permission(tx: &mut Tx, act: &Act, entry: &PermissionEntry, plan: &mut Vec<String>) -> Result<(), End> {
    let found = permission::find(tx, act.environment_id, &entry.slug).await?;
    // Existing values stay, however long they are.
    let named = found.as_ref().is_some_and(|found| found.name == entry.name);
    let described = found.as_ref().is_some_and(|found| found.description == entry.description);
    let description = entry.description.as_deref().unwrap_or_default();
    let long = (!named && entry.name.chars().count() > permissions::MAX_NAME_LENGTH)
        || (!described && description.chars().count() > permissions::MAX_DESCRIPTION_LENGTH);
    if !is_slug(&entry.slug) || entry.name.is_empty() || long {
        let why = "slug, name or description is not of the right form, or too long";
        return Err(End::Wrong(format!("permission '{}': {why}.", entry.slug)));
    }
    match found {
        None => {
            let new = NewPermission {
                slug: entry.slug.clone(),
                name: entry.name.clone(),
                description: entry.description.clone(),
                resource_type_slug: "organization".to_owned(),
            };
            permissions::create(tx, act, new).await?;
            plan.push(format!("+ permission {}", entry.slug));
        }
        Some(found) => {
            let mut changed = found.clone();
            changed.name = entry.name.clone();
            if entry.description.is_some() {
                changed.description = entry.description.clone();
            }
            if changed != found {
                permissions::update(tx, act, changed).await?;
                plan.push(format!("~ permission {}", entry.slug));
            }
        }
    }
    Ok(())
}

fn read_domains(entry: &OrganizationEntry) -> Result<Option<Vec<(String, DomainState)>>, End> {
    let wrong = |error: String| End::Wrong(format!("organization '{}': {error}", entry.external_id));
    let Some(domains) = &entry.domains else { return Ok(None) };
    let mut read = Vec::new();
    for domain in domains {
        let name = domain_name::normalize(&domain.domain)
            .ok_or_else(|| wrong(format!("'{}' is not a domain that an organization can own.", domain.domain)))?;
        let state = DomainState::parse(&domain.state)
            .filter(|state| *state != DomainState::Failed)
            .ok_or_else(|| wrong("a domain's state must be 'pending' or 'verified'.".to_owned()))?;
        read.push((name, state));
    }
    Ok(Some(read))
}

async fn apply_organization(
    tx: &mut Tx,
    act: &Act,
    entry: &OrganizationEntry,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let domains = read_domains(entry)?;
    let found = match organization::find_by_external_id(tx, act.environment_id, &entry.external_id).await? {
        // Lock and read again, so that the compared values cannot change concurrently.
        Some(found) => Some(organizations::find_and_lock(tx, act, &found.id.to_string()).await?),
        None => None,
    };
    match found {
        None => {
            let new = NewOrganization {
                name: entry.name.clone(),
                external_id: Some(entry.external_id.clone()),
                metadata: entry.metadata.clone().unwrap_or_default(),
                allow_profiles_outside_organization: false,
                domains: domains.unwrap_or_default(),
            };
            organizations::create(tx, act, new).await?;
            plan.push(format!("+ organization {}", entry.external_id));
        }
        Some(found) => {
            let mut changed = found.clone();
            changed.name = entry.name.clone();
            if let Some(metadata) = &entry.metadata {
                changed.metadata = metadata.clone();
            }
            // Domains are added and declared verified, but never removed: domains that a customer has proved since then
            // stay.
            let news = domains.unwrap_or_default().into_iter().filter(|(name, state)| {
                !found.domains.iter().any(|known| {
                    known.domain == *name && (known.state == *state || known.state == DomainState::Verified)
                })
            });
            let news: Vec<(String, DomainState)> = news.collect();
            let domains = (!news.is_empty()).then(|| {
                let kept = found.domains.iter().map(|known| (known.domain.clone(), known.state));
                kept.filter(|(name, _)| !news.iter().any(|(new, _)| new == name)).chain(news.clone()).collect()
            });
            if changed != found || domains.is_some() {
                organizations::update(tx, act, changed, domains).await?;
                plan.push(format!("~ organization {}", entry.external_id));
            }
        }
    }
    Ok(())
}

async fn apply_application(
    tx: &mut Tx,
    act: &Act,
    entry: &ApplicationEntry,
    plan: &mut Vec<String>,
) -> Result<ConnectApplication, End> {
    let wrong = |error: String| End::Wrong(format!("application '{}': {error}", entry.name));
    let client_id = entry
        .client_id
        .as_deref()
        .map(|text| ClientId::parse(text).map_err(|_| wrong("client_id must be 'client_' and a ULID.".to_owned())))
        .transpose()?;
    let found = match client_id {
        Some(client_id) => application::find_by_client_id(tx, act.environment_id, client_id).await?,
        None => {
            let mut found = application::find_by_name(tx, act.environment_id, &entry.name).await?;
            if found.len() > 1 {
                return Err(wrong("several applications have this name; tell them apart by client_id.".to_owned()));
            }
            found.pop()
        }
    };
    let found = match found {
        Some(found) => Some(applications::find_and_lock(tx, act, &found.id.to_string()).await?),
        None => None,
    };
    let redirect_uris: Option<Vec<RedirectUri>> = entry
        .redirect_uris
        .as_ref()
        .map(|list| list.iter().map(|e| RedirectUri { uri: e.uri.clone(), default: e.default }).collect());
    let organization_id = match &entry.organization {
        None => None,
        Some(external_id) => Some(
            organization::find_by_external_id(tx, act.environment_id, external_id)
                .await?
                .ok_or_else(|| wrong(format!("there is no organization '{external_id}'.")))?
                .id,
        ),
    };
    // An empty string removes the URI.
    let backchannel_logout_uri =
        entry.backchannel_logout_uri.clone().map(|uri| Some(uri).filter(|uri| !uri.is_empty()));
    let client_type = if entry.uses_pkce == Some(true) { ClientType::Public } else { ClientType::Confidential };
    let Some(found) = found else {
        let kind = match (entry.application_type.as_str(), organization_id, entry.is_first_party) {
            ("m2m", Some(id), None | Some(false)) => {
                applications::refuse_for_machines(&redirect_uris, &entry.cors_origins)?;
                applications::refuse_logout_for_machines(entry.backchannel_logout_uri.as_deref())?;
                NewApplicationKind::Machine { organization_id: id.to_string() }
            }
            ("oauth", organization, Some(first_party)) if first_party == organization.is_none() => {
                NewApplicationKind::OAuth {
                    third_party_organization_id: organization.map(|id| id.to_string()),
                    client_type,
                    redirect_uris: redirect_uris.unwrap_or_default(),
                    cors_origins: entry.cors_origins.clone().unwrap_or_default(),
                    backchannel_logout_uri: backchannel_logout_uri.flatten(),
                }
            }
            ("m2m", ..) => {
                return Err(wrong("an m2m application needs an organization and is third-party.".to_owned()));
            }
            ("oauth", ..) => {
                return Err(wrong(
                    "an oauth application needs is_first_party, and an organization exactly when that is false."
                        .to_owned(),
                ));
            }
            _ => return Err(wrong("application_type must be 'oauth' or 'm2m'.".to_owned())),
        };
        let new = NewApplication {
            name: entry.name.clone(),
            description: entry.description.clone(),
            scopes: entry.scopes.clone().unwrap_or_default(),
            kind,
            client_id,
        };
        let made = applications::create(tx, act, new).await?;
        plan.push(format!("+ application {}, client id {}", made.name, made.client_id));
        return Ok(made);
    };
    let same_kind = match &found.kind {
        ApplicationKind::Machine { organization_id: own } => {
            entry.application_type == "m2m" && organization_id.is_none_or(|id| id == *own)
        }
        ApplicationKind::OAuth { ownership, client_type: own, .. } => {
            entry.application_type == "oauth"
                && entry.uses_pkce.is_none_or(|_| client_type == *own)
                && entry.is_first_party.is_none_or(|first_party| first_party == (*ownership == Ownership::FirstParty))
                && (organization_id.is_none() || organization_id == found.organization_id())
        }
    };
    if !same_kind {
        return Err(wrong("its type, ownership, organization and uses_pkce are fixed when it is made.".to_owned()));
    }
    let change = ApplicationChange {
        name: Some(entry.name.clone()),
        description: entry.description.clone().map(Some),
        scopes: entry.scopes.clone(),
        redirect_uris,
        cors_origins: entry.cors_origins.clone(),
        backchannel_logout_uri,
    };
    let settled = applications::settle(tx, act, &found.id.to_string(), change).await?;
    // If the declared state matches the existing state, nothing has changed and no event is emitted.
    if settled.changed == settled.found {
        return Ok(settled.found);
    }
    plan.push(format!("~ application {}", settled.changed.name));
    Ok(applications::store(tx, act, settled).await?)
}

async fn apply_secret(
    tx: &mut Tx,
    act: &Act,
    made: &ConnectApplication,
    value: &Secret,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let digest = act.keyring.client_secret.digest(value.expose());
    let secrets = client_secret::list(tx, act.environment_id, made.id).await?;
    if !secrets.iter().any(|secret| secret.digest.matches(&digest)) {
        let secret = client_secrets::insert(tx, act, made, value).await?;
        plan.push(format!("+ secret ...{} of application {}", secret.hint, made.name));
    }
    Ok(())
}
