//! Clients that nobody registers by hand: those that register themselves, and those with a metadata document. Each is a
//! Connect application without an owner, with additional data in a row of its own.

use crate::domain::attempts::{self, REGISTRATIONS_FROM};
use crate::domain::connect::{applications, client_secrets};
use crate::domain::{Act, Failure, audit_log, environments};
use countersign_protocol::id::{ApplicationId, ClientId};
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, Decision, DocumentPolicy, Environment, Ownership, RedirectUri,
    RegisteredGrant, RegisteredGrants, SelfRegistration,
};
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::registration::document::Document;
use countersign_protocol::oauth::registration::document_url;
use countersign_protocol::oauth::registration::dynamic::Registration;
use countersign_protocol::oauth::registration::freshness::{STALE, is_another};
use countersign_protocol::oauth::registration::redirect_policy::origins;
use countersign_protocol::secret::{Digest, Secret, SecretKind};
use countersign_protocol::time::Timestamp;
use countersign_store::change::{self, Topic};
use countersign_store::self_registration::{self, NewSelfRegistration, STEP};
use countersign_store::{Error, Tx, application, client_document};
use std::borrow::Cow;

/// How many clients of an environment may wait for their first consent: this many self-registered ones, and this many
/// with a metadata document. Beyond that, those that have waited longest are deleted: refusing new ones would shut
/// everybody out for as long as somebody keeps the places taken.
pub const MAX_UNUSED: i64 = 5000;
/// How long a self-registered client waits, in seconds.
const UNUSED: i64 = 86_400;
/// How long a client with a metadata document waits, in seconds; the document can be fetched again.
const UNUSED_DOCUMENT: i64 = 3600;
/// How many metadata documents of an environment may wait for an administrator's decision.
const MAX_WAITING: i64 = 100;
/// How long they wait, in seconds.
const WAITING: i64 = 30 * 86_400;

/// A self-registered client.
#[derive(Debug)]
pub struct Registered {
    /// The client.
    pub application: ConnectApplication,
    /// Its secret, if it is confidential.
    pub secret: Option<Secret>,
}

fn kind(client_type: ClientType, redirect_uris: &[String]) -> ApplicationKind {
    let entry = |(at, uri): (usize, &String)| RedirectUri { uri: uri.clone(), default: at == 0 };
    ApplicationKind::OAuth {
        ownership: Ownership::DynamicallyRegistered,
        client_type,
        redirect_uris: redirect_uris.iter().enumerate().map(entry).collect(),
        cors_origins: origins(redirect_uris),
        backchannel_logout_uri: None,
    }
}

/// Combines what a document says with the settings made by an administrator that documents do not contain.
fn keeping_admin_settings(kind: ApplicationKind, known: &ApplicationKind, before: &[String]) -> ApplicationKind {
    match (kind, known) {
        (
            ApplicationKind::OAuth { ownership, client_type, redirect_uris, cors_origins: said, .. },
            ApplicationKind::OAuth { cors_origins, backchannel_logout_uri, .. },
        ) => ApplicationKind::OAuth {
            ownership,
            client_type,
            redirect_uris,
            cors_origins: if *cors_origins == origins(before) { said } else { cors_origins.clone() },
            backchannel_logout_uri: backchannel_logout_uri.clone(),
        },
        (kind, _) => kind,
    }
}

/// Makes room for a client that is deleted at `unused_until` if nobody consents to it: an environment holds a limited
/// number of clients without consent.
async fn make_room(tx: &mut Tx, act: &Act, documents: bool, unused_until: Timestamp) -> Result<(), Failure> {
    let waiting = self_registration::count_unused(tx, act.environment_id, documents, act.now).await?;
    if waiting < MAX_UNUSED {
        return Ok(());
    }
    tracing::warn!(environment = %act.environment_id, most = MAX_UNUSED, "the limit of unused self-registered clients is reached");
    let many = (waiting - MAX_UNUSED + 1).min(i64::try_from(STEP).unwrap_or(i64::MAX));
    Ok(self_registration::trim(tx, act.environment_id, documents, many, (unused_until, act.now)).await?)
}

/// Returns the client shared by identical registrations, and keeps it for a while longer.
async fn shared(
    tx: &mut Tx,
    act: &Act,
    (sameness, grants): (&Digest, RegisteredGrants),
    unused_until: Timestamp,
) -> Result<Option<ConnectApplication>, Failure> {
    let environment_id = act.environment_id;
    let Some(id) = self_registration::find_identical(tx, environment_id, sameness).await? else { return Ok(None) };
    // If it is being deleted at this moment, a new one is created.
    if !self_registration::lock(tx, environment_id, id).await? {
        return Ok(None);
    }
    let Some(application) = application::find(tx, environment_id, id).await? else { return Ok(None) };
    // A client from before grants were stored keeps what it could do.
    let grants = grants.and(RegisteredGrants::UNSAID);
    if grants.has(RegisteredGrant::Device) && self_registration::set_grants(tx, environment_id, id, grants).await? {
        applications::record_change(tx, act, application.client_id).await?;
    }
    self_registration::keep_for_now(tx, environment_id, id, unused_until).await?;
    Ok(Some(application))
}

/// Registers a client. Public clients with identical registrations share one: it has no secret that one could take from
/// another. New clients are counted per source address: returns `Err` with the time at which the next one is allowed if
/// there were too many.
///
/// # Errors
/// `Unique` when an identical registration is made at the same moment.
pub async fn register(
    tx: &mut Tx,
    act: &Act,
    registration: &Registration,
    from: &str,
) -> Result<Result<Registered, Timestamp>, Failure> {
    let sameness = registration.sameness().map(|text| act.keyring.attempt.digest(&format!("registration {text}")));
    let unused_until = act.now.plus_secs(UNUSED);
    let grants = registration.grant_types;
    if let Some(sameness) = &sameness
        && let Some(application) = shared(tx, act, (sameness, grants), unused_until).await?
    {
        return Ok(Ok(Registered { application, secret: None }));
    }
    if let Err(over_at) = attempts::count(tx, act, REGISTRATIONS_FROM, from).await? {
        return Ok(Err(over_at));
    }
    make_room(tx, act, false, unused_until).await?;
    let client_type = registration.client_type();
    let made = ConnectApplication {
        id: act.entropy.id(act.now)?,
        client_id: act.entropy.id(act.now)?,
        metadata_url: None,
        name: registration.client_name.clone(),
        description: None,
        scopes: Vec::new(),
        kind: kind(client_type, &registration.redirect_uris),
        created_at: act.now,
        updated_at: act.now,
    };
    application::insert(tx, act.environment_id, &made).await?;
    let new = NewSelfRegistration {
        application_id: made.id,
        sameness,
        changed_at: act.now,
        fresh_until: None,
        unused_until,
        grants,
    };
    self_registration::insert(tx, act.environment_id, &new).await?;
    let secret = match client_type {
        ClientType::Public => None,
        ClientType::Confidential => {
            let value = act.entropy.secret(SecretKind::ClientSecret)?;
            client_secrets::insert(tx, act, &made, &value).await?;
            Some(value)
        }
    };
    Ok(Ok(Registered { application: made, secret }))
}

/// The client id under which the client with a metadata document is stored.
pub fn document_client_id(act: &Act, url: &str) -> ClientId {
    ClientName::Document(Cow::Borrowed(url)).id(act.environment_id)
}

/// Stores the content of a metadata document that was just fetched.
///
/// # Errors
/// `Unique` when another node was faster.
pub async fn keep_document(
    tx: &mut Tx,
    act: &Act,
    url: &str,
    document: &Document,
    fresh_until: Timestamp,
) -> Result<(), Failure> {
    let client_id = document_client_id(act, url);
    let kind = kind(ClientType::Public, &document.redirect_uris);
    change::record(tx, act.environment_id, &Topic::Client(client_id), act.now);
    let Some(known) = application::find_by_client_id(tx, act.environment_id, client_id).await? else {
        let unused_until = act.now.plus_secs(UNUSED_DOCUMENT);
        make_room(tx, act, true, unused_until).await?;
        let made = ConnectApplication {
            id: act.entropy.id(act.now)?,
            client_id,
            metadata_url: Some(url.to_owned()),
            name: document.name.clone(),
            description: None,
            scopes: Vec::new(),
            kind,
            created_at: act.now,
            updated_at: act.now,
        };
        application::insert(tx, act.environment_id, &made).await?;
        let new = NewSelfRegistration {
            application_id: made.id,
            sameness: None,
            changed_at: act.now,
            fresh_until: Some(fresh_until),
            unused_until,
            grants: document.grants,
        };
        return Ok(self_registration::insert(tx, act.environment_id, &new).await?);
    };
    self_registration::lock(tx, act.environment_id, known.id).await?;
    // Read again under the lock. If it was deleted just before, the next request creates it anew.
    let known = application::find_by_client_id(tx, act.environment_id, client_id).await?.ok_or(Error::ForeignKey)?;
    let before = Document {
        name: known.name.clone(),
        redirect_uris: match &known.kind {
            ApplicationKind::OAuth { redirect_uris, .. } => redirect_uris.iter().map(|one| one.uri.clone()).collect(),
            ApplicationKind::Machine { .. } => Vec::new(),
        },
        // Stored elsewhere, and not shown to users.
        grants: document.grants,
    };
    let remembered = self_registration::find(tx, act.environment_id, &known).await?;
    let changed_at = match remembered {
        Some(remembered) if !is_another(&before, document) => remembered.changed_at,
        _ => act.now,
    };
    if before != *document {
        let kind = keeping_admin_settings(kind, &known.kind, &before.redirect_uris);
        let changed = ConnectApplication { name: document.name.clone(), kind, updated_at: act.now, ..known.clone() };
        application::update(tx, act.environment_id, &changed).await?;
    }
    self_registration::keep_for_now(tx, act.environment_id, known.id, act.now.plus_secs(UNUSED_DOCUMENT)).await?;
    let moments = (fresh_until, changed_at);
    Ok(self_registration::fetched(tx, act.environment_id, known.id, moments, Some(document.grants)).await?)
}

/// Marks the client metadata document that was good until `seen` as invalid: no stale copy is used afterwards, not even
/// while its server is unreachable. If another node has fetched a newer one in the meantime, that one stays.
///
/// # Errors
/// Database errors.
pub async fn give_up(
    tx: &mut Tx,
    act: &Act,
    (application_id, client_id): (ApplicationId, ClientId),
    seen: Timestamp,
) -> Result<(), Failure> {
    let over = act.now.plus_secs(-STALE - 1);
    self_registration::invalid(tx, act.environment_id, application_id, (seen, over)).await?;
    applications::record_change(tx, act, client_id).await
}

/// Records once that somebody wants to use a document, for an administrator to decide; returns `true` if it is new.
///
/// # Errors
/// Database errors.
pub async fn ask_for(tx: &mut Tx, act: &Act, url: &str) -> Result<bool, Failure> {
    let since = act.now.plus_secs(-WAITING);
    // A stranger who fills the list blocks nobody: administrators can allow documents by URL, whether listed or not.
    if client_document::count_waiting(tx, act.environment_id, since).await? >= MAX_WAITING {
        return Ok(false);
    }
    Ok(client_document::ask(tx, act.environment_id, url, act.now).await?)
}

/// Changes the environment's self-registration policy, unless the `unless` check rejects the current one; takes effect
/// on every node within a second.
///
/// # Errors
/// 422, and errors of `unless`.
pub async fn set_policy(
    tx: &mut Tx,
    act: &Act,
    wanted: SelfRegistration,
    unless: impl FnOnce(&SelfRegistration) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    if matches!(&wanted.documents, DocumentPolicy::Listed(hosts) if hosts.is_empty()) {
        let why = "Name at least one host, such as claude.ai or *.example.com.";
        return Err(Failure::invalid("client_id_metadata_hosts", "invalid", why));
    }
    let change = |found: &mut Environment| {
        unless(&found.self_registration)?;
        found.self_registration = wanted;
        Ok(())
    };
    environments::change_settings(tx, act, change).await
}

/// Allows or refuses a document; takes effect on every node within a second. A refusal deletes the client, with its
/// consents, and invalidates its tokens.
///
/// # Errors
/// 422 for a URL that cannot name a client.
pub async fn decide(tx: &mut Tx, act: &Act, url: &str, decision: Decision) -> Result<(), Failure> {
    document_url::check(url).map_err(|error| Failure::invalid("url", "invalid", format!("The URL {error}.")))?;
    client_document::decide(tx, act.environment_id, url, decision, act.now).await?;
    let action = if decision == Decision::Allowed { "client_document.allowed" } else { "client_document.refused" };
    audit_log::note(tx, act, action, "client_document", url).await?;
    let client_id = document_client_id(act, url);
    if decision == Decision::Refused
        && let Some(known) = application::find_by_client_id(tx, act.environment_id, client_id).await?
    {
        self_registration::lock(tx, act.environment_id, known.id).await?;
        application::delete(tx, act.environment_id, known.id).await?;
    }
    applications::record_change(tx, act, client_id).await
}
