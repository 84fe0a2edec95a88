//! Connect applications.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Error, Result, Tx, application_logo, client_secret, self_registration, standalone};
use countersign_protocol::id::{ApplicationId, ClientId, EnvironmentId, OrganizationId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{ApplicationKind, ClientType, ConnectApplication, Ownership};
use countersign_protocol::oauth::client::Client;

statements! {
    INSERT = "INSERT INTO connect_application (environment_id, id, client_id, name, description, application_type, ownership, ",
        "organization_id, client_type, redirect_uris, cors_origins, backchannel_logout_uri, created_at, updated_at, metadata_url) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)";
    UPDATE = "UPDATE connect_application SET name = $3, description = $4, redirect_uris = $5, cors_origins = $6, backchannel_logout_uri = $7, updated_at = $8 ",
        "WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM connect_application WHERE environment_id = $1 AND id = $2";
    DELETE_SCOPES = "DELETE FROM connect_application_scope WHERE environment_id = $1 AND application_id = $2";
    INSERT_SCOPE = "INSERT INTO connect_application_scope (environment_id, application_id, position, scope) VALUES ($1, $2, $3, $4)";
    FIND = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.id = $2";
    FIND_BY_CLIENT_ID = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.client_id = $2";
    FIND_BY_NAME = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.name = $2 AND a.ownership <> 'dynamic' ORDER BY a.id LIMIT 2";
    LIST_DESCENDING = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.id < $2 AND (a.ownership = 'dynamic') IN ($4 = 1, $5 = 1) ORDER BY a.id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.id > $2 AND (a.ownership = 'dynamic') IN ($4 = 1, $5 = 1) ORDER BY a.id ASC LIMIT $3";
    OF_ORGANIZATION_DESCENDING = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.organization_id = $4 AND a.id < $2 ORDER BY a.id DESC LIMIT $3";
    OF_ORGANIZATION_ASCENDING = "SELECT a.id, a.client_id, a.name, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, ",
        "a.redirect_uris, a.cors_origins, a.backchannel_logout_uri, a.created_at, a.updated_at, a.metadata_url, ",
        "COALESCE((SELECT string_agg(s.scope, ' ' ORDER BY s.position) FROM connect_application_scope s ",
        "WHERE s.environment_id = a.environment_id AND s.application_id = a.id), '') FROM connect_application a WHERE a.environment_id = $1 AND a.organization_id = $4 AND a.id > $2 ORDER BY a.id ASC LIMIT $3";
}

fn read(row: &Row) -> Result<ConnectApplication> {
    let organization_id: Option<OrganizationId> = row.opt_parse(6)?;
    let kind = match (row.text(4)?, row.text(5)?, organization_id, row.text(7)?) {
        ("m2m", "third_party", Some(organization_id), "confidential") => ApplicationKind::Machine { organization_id },
        ("oauth", ownership, organization_id, client_type) => ApplicationKind::OAuth {
            ownership: match (ownership, organization_id) {
                ("first_party", None) => Ownership::FirstParty,
                ("third_party", Some(organization_id)) => Ownership::ThirdParty { organization_id },
                ("dynamic", None) => Ownership::DynamicallyRegistered,
                _ => return Err(Error::Corrupt("an application's ownership".to_owned())),
            },
            client_type: match client_type {
                "confidential" => ClientType::Confidential,
                "public" => ClientType::Public,
                _ => return Err(Error::Corrupt("an application's client type".to_owned())),
            },
            redirect_uris: row.json(8)?,
            cors_origins: row.json(9)?,
            backchannel_logout_uri: row.opt_text(10)?.map(str::to_owned),
        },
        _ => return Err(Error::Corrupt("an application's kind".to_owned())),
    };
    Ok(ConnectApplication {
        id: row.parse(0)?,
        client_id: row.parse(1)?,
        metadata_url: row.opt_text(13)?.map(str::to_owned),
        name: row.text(2)?.to_owned(),
        description: row.opt_text(3)?.map(str::to_owned),
        scopes: row.text(14)?.split_ascii_whitespace().map(str::to_owned).collect(),
        kind,
        created_at: row.timestamp(11)?,
        updated_at: row.timestamp(12)?,
    })
}

fn json(list: &impl serde::Serialize) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}

/// The columns that depend on the kind.
struct KindColumns<'a> {
    application_type: &'static str,
    ownership: &'static str,
    client_type: &'static str,
    redirect_uris: String,
    cors_origins: String,
    backchannel_logout_uri: Option<&'a String>,
}

fn kind_columns(kind: &ApplicationKind) -> KindColumns<'_> {
    match kind {
        ApplicationKind::Machine { .. } => KindColumns {
            application_type: "m2m",
            ownership: "third_party",
            client_type: "confidential",
            redirect_uris: "[]".to_owned(),
            cors_origins: "[]".to_owned(),
            backchannel_logout_uri: None,
        },
        ApplicationKind::OAuth { ownership, client_type, redirect_uris, cors_origins, backchannel_logout_uri } => {
            KindColumns {
                application_type: "oauth",
                ownership: match ownership {
                    Ownership::FirstParty => "first_party",
                    Ownership::ThirdParty { .. } => "third_party",
                    Ownership::DynamicallyRegistered => "dynamic",
                },
                client_type: match client_type {
                    ClientType::Confidential => "confidential",
                    ClientType::Public => "public",
                },
                redirect_uris: json(redirect_uris),
                cors_origins: json(cors_origins),
                backchannel_logout_uri: backchannel_logout_uri.as_ref(),
            }
        }
    }
}

/// Inserts an application.
///
/// # Errors
/// `ForeignKey` if its organization is gone, `Unique` if its client ID is taken.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, application: &ConnectApplication) -> Result<()> {
    let kind = kind_columns(&application.kind);
    let params = [
        environment_id.into(),
        application.id.into(),
        application.client_id.into(),
        (&application.name).into(),
        application.description.as_ref().into(),
        kind.application_type.into(),
        kind.ownership.into(),
        application.organization_id().into(),
        kind.client_type.into(),
        kind.redirect_uris.into(),
        kind.cors_origins.into(),
        kind.backchannel_logout_uri.into(),
        application.created_at.into(),
        application.metadata_url.as_ref().into(),
    ];
    tx.execute(INSERT, &params).await?;
    insert_scopes(tx, environment_id, application).await
}

async fn insert_scopes(tx: &mut Tx, environment_id: EnvironmentId, application: &ConnectApplication) -> Result<()> {
    for (position, scope) in (0_i64..).zip(&application.scopes) {
        let params = [environment_id.into(), application.id.into(), position.into(), scope.into()];
        tx.execute(INSERT_SCOPE, &params).await?;
    }
    Ok(())
}

/// Stores an application's mutable fields, except its scopes.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, application: &ConnectApplication) -> Result<()> {
    let kind = kind_columns(&application.kind);
    let params = [
        environment_id.into(),
        application.id.into(),
        (&application.name).into(),
        application.description.as_ref().into(),
        kind.redirect_uris.into(),
        kind.cors_origins.into(),
        kind.backchannel_logout_uri.into(),
        application.updated_at.into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Replaces an application's scopes.
///
/// # Errors
/// Database errors.
pub async fn set_scopes(tx: &mut Tx, environment_id: EnvironmentId, application: &ConnectApplication) -> Result<()> {
    tx.execute(DELETE_SCOPES, &[environment_id.into(), application.id.into()]).await?;
    insert_scopes(tx, environment_id, application).await
}

/// Deletes an application with its secrets; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: ApplicationId) -> Result<bool> {
    Ok(tx.execute_at_length(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Returns the application with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: ApplicationId,
) -> Result<Option<ConnectApplication>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the application with this client ID.
///
/// # Errors
/// Database errors.
pub async fn find_by_client_id(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    client_id: ClientId,
) -> Result<Option<ConnectApplication>> {
    query.query_opt(FIND_BY_CLIENT_ID, &[environment_id.into(), client_id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns at most two applications with this name, not counting self-registered ones: names are not unique, and a
/// client that registers itself may choose any name.
///
/// # Errors
/// Database errors.
pub async fn find_by_name(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    name: &str,
) -> Result<Vec<ConnectApplication>> {
    query.query(FIND_BY_NAME, &[environment_id.into(), name.into()]).await?.iter().map(read).collect()
}

/// Loads a client as the token path needs it: the application, the digests of its live secrets, and its logo. Returns
/// `None` for a self-registered client that is being deleted, which must never pass for one registered by hand.
///
/// # Errors
/// Database errors.
pub async fn load_client(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    client_id: ClientId,
) -> Result<Option<Client>> {
    let Some(application) = find_by_client_id(query, environment_id, client_id).await? else {
        return Ok(None);
    };
    let secrets = client_secret::list(query, environment_id, application.id).await?;
    let logo = application_logo::find(query, environment_id, application.id).await?;
    let login_uri = standalone::find_of_application(query, environment_id, application.id).await?;
    let registered = if application.registered_itself() {
        self_registration::find(query, environment_id, &application).await?
    } else {
        None
    };
    // The client may be deleted between these statements.
    if application.registered_itself() && registered.is_none() {
        return Ok(None);
    }
    Ok(Some(Client { environment_id, application, secrets, logo, login_uri, registered }))
}

/// Which applications to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only applications of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Include those that did not register themselves.
    pub authenticated: bool,
    /// Include those that registered themselves.
    pub dynamic: bool,
}

/// Lists a slice of the applications.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    filter: Filter,
    slice: &Slice<ApplicationId>,
) -> Result<Vec<ConnectApplication>> {
    let rows = match filter.organization_id {
        None if !filter.authenticated && !filter.dynamic => Vec::new(),
        // Self-registered applications belong to no organization.
        Some(_) if !filter.authenticated => Vec::new(),
        Some(organization_id) => {
            let paged = Paged { descending: OF_ORGANIZATION_DESCENDING, ascending: OF_ORGANIZATION_ASCENDING };
            let (sql, bound, limit) = paged.pick(slice);
            query.query(sql, &[environment_id.into(), bound, limit, organization_id.into()]).await?
        }
        None => {
            let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
            // The two values that "is dynamic" may take.
            let (one, other) = match (filter.authenticated, filter.dynamic) {
                (true, true) => (false, true),
                (_, dynamic) => (dynamic, dynamic),
            };
            query.query(sql, &[environment_id.into(), bound, limit, one.into(), other.into()]).await?
        }
    };
    rows.iter().map(read).collect()
}
