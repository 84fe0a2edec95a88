//! Connect applications.

use crate::domain::organizations::{self, permissions};
use crate::domain::sessions::backchannel_logout;
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::audit::administrative::target;
use countersign_protocol::audit::event::Party;
use countersign_protocol::id::{ApplicationId, ClientId};
use countersign_protocol::management::error::{ApiError, FieldError};
use countersign_protocol::model::{ApplicationKind, ClientType, ConnectApplication, Ownership, RedirectUri};
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::redirect_uri;
use countersign_store::change::{self, Topic};
use countersign_store::{Query, Tx, application, self_registration};

/// The properties of a new application. Organization IDs are given as received.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// The name shown to users.
    pub name: String,
    /// A description for users who want to know more.
    pub description: Option<String>,
    /// The scopes assigned to it.
    pub scopes: Vec<String>,
    /// The kind of client.
    pub kind: NewApplicationKind,
    /// A client id chosen by the operator; generated otherwise.
    pub client_id: Option<ClientId>,
}

/// The kinds of new application.
#[derive(Debug, Clone)]
pub enum NewApplicationKind {
    /// `m2m`.
    Machine {
        /// The organization that it acts for.
        organization_id: String,
    },
    /// `oauth`.
    OAuth {
        /// The organization that publishes it; `None` if first-party.
        third_party_organization_id: Option<String>,
        /// Whether it can keep a secret.
        client_type: ClientType,
        /// Where authorization codes may be sent.
        redirect_uris: Vec<RedirectUri>,
        /// Browser origins that may call the token endpoint.
        cors_origins: Vec<String>,
        /// The back-channel logout URI, which is called when a user signs out.
        backchannel_logout_uri: Option<String>,
    },
}

/// Creates an application.
///
/// # Errors
/// 404 for the organization, 422 for invalid scopes, redirect URIs and origins.
pub async fn create(tx: &mut Tx, act: &Act, new: NewApplication) -> Result<ConnectApplication, Failure> {
    let kind = match new.kind {
        NewApplicationKind::Machine { organization_id } => {
            ApplicationKind::Machine { organization_id: organizations::find(tx, act, &organization_id).await?.id }
        }
        NewApplicationKind::OAuth {
            third_party_organization_id,
            client_type,
            redirect_uris,
            cors_origins,
            backchannel_logout_uri,
        } => {
            check_logout_uri(act, backchannel_logout_uri.as_deref())?;
            ApplicationKind::OAuth {
                ownership: match third_party_organization_id {
                    None => Ownership::FirstParty,
                    Some(id) => Ownership::ThirdParty { organization_id: organizations::find(tx, act, &id).await?.id },
                },
                client_type,
                redirect_uris: settle_redirect_uris(act, client_type, redirect_uris)?,
                cors_origins: check_origins(cors_origins)?,
                backchannel_logout_uri,
            }
        }
    };
    permissions::require_scopes(tx, act, "scopes", &new.scopes, true).await?;
    let made = ConnectApplication {
        id: act.entropy.id(act.now)?,
        metadata_url: None,
        client_id: match new.client_id {
            Some(client_id) => client_id,
            None => act.entropy.id(act.now)?,
        },
        name: new.name,
        description: new.description,
        scopes: new.scopes,
        kind,
        created_at: act.now,
        updated_at: act.now,
    };
    application::insert(tx, act.environment_id, &made).await.map_err(|error| match error {
        countersign_store::Error::ForeignKey => {
            Failure::not_found("Organization", made.organization_id().map(|id| id.to_string()).unwrap_or_default())
        }
        error if error.is_unique("connect_application", "client_id") => {
            Failure::conflict("client_id_already_used", format!("The client id {} is already used.", made.client_id))
        }
        error => error.into(),
    })?;
    tell(tx, act, "connect_application.created", &made).await?;
    Ok(made)
}

fn settle_redirect_uris(
    act: &Act,
    client_type: ClientType,
    redirect_uris: Vec<RedirectUri>,
) -> Result<Vec<RedirectUri>, Failure> {
    let entries = redirect_uris.into_iter().map(|entry| (entry.uri, entry.default)).collect();
    redirect_uri::settle(entries, act.environment_kind, client_type)
        .map_err(|error| Failure::invalid("redirect_uris", "invalid_redirect_uri", error.to_string()))
}

fn check_logout_uri(act: &Act, uri: Option<&str>) -> Result<(), Failure> {
    let reach = backchannel_logout::reach(act.environment_kind, &act.issuer);
    uri.map_or(Ok(()), |uri| backchannel_logout::check_uri(uri, reach))
}

/// Origins must be written as browsers send them: scheme, host, and port unless it is the scheme's default.
fn check_origins(origins: Vec<String>) -> Result<Vec<String>, Failure> {
    let wrong: Vec<FieldError> = origins
        .iter()
        .enumerate()
        .filter(|(_, origin)| {
            let url = url::Url::parse(origin);
            !url.is_ok_and(|url| {
                matches!(url.scheme(), "https" | "http")
                    && url.origin().ascii_serialization() == **origin
                    && !origin.contains('*')
            })
        })
        .map(|(at, _)| {
            FieldError::new(format!("cors_origins.{at}"), "invalid", "Not an origin such as https://app.example.com.")
        })
        .collect();
    if wrong.is_empty() { Ok(origins) } else { Err(Failure::Refused(ApiError::Validation(wrong))) }
}

/// Looks up the application with this identifier or client id, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<ConnectApplication, Failure> {
    let found = if let Ok(id) = ApplicationId::parse(id) {
        application::find(query, act.environment_id, id).await?
    } else if let Some(name) = ClientName::parse(id) {
        let found = application::find_by_client_id(query, act.environment_id, name.id(act.environment_id)).await?;
        // The client id under which a metadata document's client is stored is not its public client id.
        found.filter(|found| found.client_name() == name)
    } else {
        None
    };
    found.ok_or_else(|| Failure::not_found("Application", id))
}

/// A change to an application; `None` leaves a property unchanged.
#[derive(Debug, Clone, Default)]
pub struct ApplicationChange {
    /// The new name.
    pub name: Option<String>,
    /// The new description; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// The new scopes, replacing all.
    pub scopes: Option<Vec<String>>,
    /// The new redirect URIs, replacing all.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// The new origins, replacing all.
    pub cors_origins: Option<Vec<String>>,
    /// The new back-channel logout URI; `Some(None)` clears it.
    pub backchannel_logout_uri: Option<Option<String>>,
}

/// Looks up an application and locks it against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<ConnectApplication, Failure> {
    // Read again under the lock, so that the change starts from a state that nobody else is changing.
    let found = find(tx, act, id).await?;
    self_registration::lock(tx, act.environment_id, found.id).await?;
    countersign_store::client_secret::lock_application(tx, act.environment_id, found.id).await?;
    find(tx, act, id).await
}

/// Changes an application.
///
/// # Errors
/// As [`settle`].
pub async fn update(
    tx: &mut Tx,
    act: &Act,
    id: &str,
    change: ApplicationChange,
) -> Result<ConnectApplication, Failure> {
    let settled = settle(tx, act, id, change).await?;
    store(tx, act, settled).await
}

/// A validated change: the locked application before and after it.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Before the change.
    pub found: ConnectApplication,
    /// After the change, except for `updated_at`.
    pub changed: ConnectApplication,
    /// Whether what users are shown of it may make them take it for another application.
    another: bool,
}

/// Locks an application and validates a change, without storing it.
///
/// # Errors
/// 404; 422 as [`create`], and for redirect URIs or origins of a machine-to-machine application.
pub async fn settle(tx: &mut Tx, act: &Act, id: &str, change: ApplicationChange) -> Result<Settled, Failure> {
    let found = find_and_lock(tx, act, id).await?;
    let mut changed = found.clone();
    let another = change.name.is_some() || change.redirect_uris.is_some();
    if changed.metadata_url.is_some() && (change.name.is_some() || change.redirect_uris.is_some()) {
        let field = if change.name.is_some() { "name" } else { "redirect_uris" };
        return Err(Failure::invalid(field, "not_allowed", "The client's own metadata document says this."));
    }
    if let Some(name) = change.name {
        changed.name = name;
    }
    if let Some(description) = change.description {
        changed.description = description;
    }
    if let Some(scopes) = change.scopes {
        permissions::require_scopes(tx, act, "scopes", &scopes, true).await?;
        changed.scopes = scopes;
    }
    match &mut changed.kind {
        ApplicationKind::Machine { .. } => {
            refuse_for_machines(&change.redirect_uris, &change.cors_origins)?;
            refuse_logout_for_machines(change.backchannel_logout_uri.as_ref().and_then(Option::as_deref))?;
        }
        ApplicationKind::OAuth { client_type, redirect_uris, cors_origins, backchannel_logout_uri, .. } => {
            if let Some(uris) = change.redirect_uris {
                *redirect_uris = settle_redirect_uris(act, *client_type, uris)?;
            }
            if let Some(origins) = change.cors_origins {
                *cors_origins = check_origins(origins)?;
            }
            if let Some(uri) = change.backchannel_logout_uri {
                check_logout_uri(act, uri.as_deref())?;
                *backchannel_logout_uri = uri;
            }
        }
    }
    Ok(Settled { found, changed, another })
}

/// Stores a change that was validated in this transaction.
///
/// # Errors
/// Database errors.
pub async fn store(tx: &mut Tx, act: &Act, settled: Settled) -> Result<ConnectApplication, Failure> {
    let Settled { found, mut changed, another } = settled;
    changed.updated_at = act.now;
    application::update(tx, act.environment_id, &changed).await?;
    if changed.scopes != found.scopes {
        application::set_scopes(tx, act.environment_id, &changed).await?;
    }
    if another && changed.registered_itself() {
        self_registration::set_apart(tx, act.environment_id, changed.id, act.now).await?;
    }
    record_change(tx, act, changed.client_id).await?;
    tell(tx, act, "connect_application.updated", &changed).await?;
    Ok(changed)
}

/// Rejects redirect URIs and origins for a machine-to-machine application.
///
/// # Errors
/// 422 when either list has an entry.
pub fn refuse_for_machines(
    redirect_uris: &Option<Vec<RedirectUri>>,
    cors_origins: &Option<Vec<String>>,
) -> Result<(), Failure> {
    if redirect_uris.as_ref().is_some_and(|list| !list.is_empty()) {
        return Err(Failure::invalid(
            "redirect_uris",
            "not_allowed",
            "A machine-to-machine application has no redirect URIs.",
        ));
    }
    if cors_origins.as_ref().is_some_and(|list| !list.is_empty()) {
        return Err(Failure::invalid(
            "cors_origins",
            "not_allowed",
            "A machine-to-machine application has no CORS origins.",
        ));
    }
    Ok(())
}

/// Rejects a back-channel logout URI for a machine-to-machine application: nobody signs in to it, so nobody signs out.
///
/// # Errors
/// 422 when a URI is given.
pub fn refuse_logout_for_machines(backchannel_logout_uri: Option<&str>) -> Result<(), Failure> {
    if backchannel_logout_uri.is_none() {
        return Ok(());
    }
    Err(Failure::invalid(
        "backchannel_logout_uri",
        "not_allowed",
        "Nobody signs in to a machine-to-machine application, so it has no backchannel_logout_uri.",
    ))
}

/// Deletes an application and its secrets: its tokens are inactive from now on.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let gone = find(tx, act, id).await?;
    self_registration::lock(tx, act.environment_id, gone.id).await?;
    if !application::delete(tx, act.environment_id, gone.id).await? {
        return Err(Failure::not_found("Application", id));
    }
    record_change(tx, act, gone.client_id).await?;
    tell(tx, act, "connect_application.deleted", &gone).await
}

/// Records an action on an application in the audit log.
///
/// # Errors
/// Database errors.
pub async fn tell(tx: &mut Tx, act: &Act, action: &str, application: &ConnectApplication) -> Result<(), Failure> {
    let target = Party { name: Some(application.name.clone()), ..target("connect_application", application.id) };
    audit_log::record(tx, act, action, target, application.organization_id()).await
}

/// Notifies every node that a client has changed.
///
/// # Errors
/// Database errors.
pub async fn record_change(tx: &mut Tx, act: &Act, client_id: ClientId) -> Result<(), Failure> {
    {
        change::record(tx, act.environment_id, &Topic::Client(client_id), act.now);
        Ok(())
    }
}
