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

/// What a new application is made of. The organization is given as it comes on the wire.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// What people read.
    pub name: String,
    /// What people read when they want to know more.
    pub description: Option<String>,
    /// Scopes assigned to it.
    pub scopes: Vec<String>,
    /// What kind of client it is.
    pub kind: NewApplicationKind,
    /// A client id chosen by the operator; otherwise one is made.
    pub client_id: Option<ClientId>,
}

/// The kinds of new application.
#[derive(Debug, Clone)]
pub enum NewApplicationKind {
    /// `m2m`.
    Machine {
        /// The organization it acts for.
        organization_id: String,
    },
    /// `oauth`.
    OAuth {
        /// The organization that publishes it; `None` is first-party.
        third_party_organization_id: Option<String>,
        /// Whether it can keep a secret.
        client_type: ClientType,
        /// Where codes may be sent.
        redirect_uris: Vec<RedirectUri>,
        /// Browser origins that may call the token endpoint.
        cors_origins: Vec<String>,
        /// Where it is told that somebody has signed out.
        backchannel_logout_uri: Option<String>,
    },
}

/// Makes an application.
///
/// # Errors
/// 404 for the organization, 422 for scopes, redirect URIs and origins that cannot be.
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

/// Origins are written as browsers send them: scheme, host, port unless it is the scheme's own.
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

/// The application with this identifier or client id, as it comes on the wire.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<ConnectApplication, Failure> {
    let found = if let Ok(id) = ApplicationId::parse(id) {
        application::find(query, act.environment_id, id).await?
    } else if let Some(name) = ClientName::parse(id) {
        let found = application::find_by_client_id(query, act.environment_id, name.id(act.environment_id)).await?;
        // What a document's client is kept under is no name for it.
        found.filter(|found| found.client_name() == name)
    } else {
        None
    };
    found.ok_or_else(|| Failure::not_found("Application", id))
}

/// What may change of an application; `None` leaves.
#[derive(Debug, Clone, Default)]
pub struct ApplicationChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// Other scopes, all of them.
    pub scopes: Option<Vec<String>>,
    /// Other redirect URIs, all of them.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// Other origins, all of them.
    pub cors_origins: Option<Vec<String>>,
    /// Another address to be told of sign-outs at; `Some(None)` clears it.
    pub backchannel_logout_uri: Option<Option<String>>,
}

/// An application, with every other change of it made to wait for this transaction.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<ConnectApplication, Failure> {
    // Found, locked, and read again: what is changed is what nobody else is changing.
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

/// A change that can be: the application as it is, locked, and as it is to be.
#[derive(Debug, Clone)]
pub struct Settled {
    /// As it is.
    pub found: ConnectApplication,
    /// As it is to be, but for when it was changed.
    pub changed: ConnectApplication,
    /// Whether people may take it for another by what they are shown of it.
    another: bool,
}

/// Finds out what a change comes to, and stores nothing yet.
///
/// # Errors
/// 404; 422 as [`create`], and for redirect URIs or origins of a machine.
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

/// Stores a change that was settled in this transaction.
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

/// A machine has neither redirect URIs nor origins.
///
/// # Errors
/// 422 when either is given with an entry.
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

/// Nobody signs in to a machine, so nobody signs out.
///
/// # Errors
/// 422 when an address is given.
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

/// Deletes an application with its secrets: its tokens are inactive from now on.
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

/// Notes in the audit log what was done to an application.
///
/// # Errors
/// Database errors.
pub async fn tell(tx: &mut Tx, act: &Act, action: &str, application: &ConnectApplication) -> Result<(), Failure> {
    let target = Party { name: Some(application.name.clone()), ..target("connect_application", application.id) };
    audit_log::record(tx, act, action, target, application.organization_id()).await
}

/// Tells every node that a client has changed.
///
/// # Errors
/// Database errors.
pub async fn record_change(tx: &mut Tx, act: &Act, client_id: ClientId) -> Result<(), Failure> {
    {
        change::record(tx, act.environment_id, &Topic::Client(client_id), act.now);
        Ok(())
    }
}
