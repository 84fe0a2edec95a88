//! Environments.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx, branding};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{
    Authentication, DefaultMails, DocumentPolicy, Environment, EnvironmentKind, Issuer, PortalCredentials,
    PortalSettings, ProductPages, SelfRegistration, SessionPolicy, WebAddress,
};
use countersign_protocol::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

statements! {
    INSERT = "INSERT INTO environment (id, name, kind, client_id, issuer, signing_algorithm, access_token_lifetime, session_maximum_length, ",
        "session_inactivity_timeout, sign_up, password, magic_auth, created_at, updated_at, session_issuer, client_id_metadata, ",
        "client_id_metadata_hosts, dynamic_client_registration, portal_credentials, portal_permissions, mfa_required, ",
        "product_pages, mails_off) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";
    ALL = "SELECT id, name, kind, client_id, issuer, signing_algorithm, access_token_lifetime, session_maximum_length, ",
        "session_inactivity_timeout, sign_up, password, magic_auth, created_at, updated_at, session_issuer, client_id_metadata, ",
        "client_id_metadata_hosts, dynamic_client_registration, portal_credentials, portal_permissions, mfa_required, ",
        "product_pages, mails_off FROM environment ORDER BY id";
    UPDATE = "UPDATE environment SET signing_algorithm = $2, access_token_lifetime = $3, kind = $4, updated_at = $5, ",
        "session_maximum_length = $6, session_inactivity_timeout = $7, sign_up = $8, password = $9, magic_auth = $10, session_issuer = $11, ",
        "client_id_metadata = $12, client_id_metadata_hosts = $13, dynamic_client_registration = $14, ",
        "portal_credentials = $15, portal_permissions = $16, mfa_required = $17, product_pages = $18, mails_off = $19 WHERE id = $1";
    MOVE = "UPDATE environment SET issuer = $2, updated_at = $3, kind = $4 WHERE id = $1";
}

fn read(row: &Row) -> Result<Environment> {
    let hosts: Vec<String> = row.json(16)?;
    Ok(Environment {
        id: row.parse(0)?,
        name: row.text(1)?.to_owned(),
        kind: row.word(2, EnvironmentKind::parse)?,
        client_id: row.parse(3)?,
        issuer: row.word(4, |text| Issuer::parse_stored(text).ok())?,
        signing_algorithm: row.word(5, Algorithm::parse)?,
        access_token_lifetime: row.int(6)?,
        sessions: SessionPolicy { maximum_length: row.int(7)?, inactivity_timeout: row.int(8)? },
        authentication: Authentication {
            sign_up: row.truth(9)?,
            password: row.truth(10)?,
            magic_auth: row.truth(11)?,
            mfa_required: row.truth(20)?,
        },
        self_registration: SelfRegistration {
            documents: row.word(15, |word| DocumentPolicy::parse(word, hosts.clone()))?,
            dynamic: row.truth(17)?,
        },
        portal: PortalSettings {
            credentials: row.word(18, PortalCredentials::parse)?,
            permissions: row.text(19)?.split_ascii_whitespace().map(str::to_owned).collect(),
        },
        product_pages: Arc::new(pages(row.json(21)?)),
        default_mails: DefaultMails::without(row.text(22)?),
        brand: Arc::default(),
        created_at: row.timestamp(12)?,
        updated_at: row.timestamp(13)?,
        session_issuer: row.opt_text(14)?.map(str::to_owned),
    })
}

fn hosts(clients: &SelfRegistration) -> String {
    serde_json::to_string(clients.documents.hosts()).unwrap_or_else(|_| "[]".to_owned())
}

fn pages(kept: BTreeMap<String, String>) -> ProductPages {
    let mut pages = ProductPages::default();
    for (name, address) in kept {
        if let Some(page) = pages.named_mut(&name) {
            *page = Some(WebAddress::from_stored(address));
        }
    }
    pages
}

fn written(pages: &ProductPages) -> String {
    let named = pages.named().into_iter().filter_map(|(name, page)| Some((name, page?.as_str())));
    serde_json::to_string(&named.collect::<BTreeMap<_, _>>()).unwrap_or_else(|_| "{}".to_owned())
}

/// Inserts an environment. Its branding is stored by [`branding::set`].
///
/// # Errors
/// `Unique` if the name, the client ID or the issuer is taken.
pub async fn insert(tx: &mut Tx, environment: &Environment) -> Result<()> {
    let params = [
        environment.id.into(),
        (&environment.name).into(),
        environment.kind.as_str().into(),
        environment.client_id.into(),
        environment.issuer.as_str().into(),
        environment.signing_algorithm.as_str().into(),
        environment.access_token_lifetime.into(),
        environment.sessions.maximum_length.into(),
        environment.sessions.inactivity_timeout.into(),
        environment.authentication.sign_up.into(),
        environment.authentication.password.into(),
        environment.authentication.magic_auth.into(),
        environment.created_at.into(),
        environment.session_issuer.as_deref().into(),
        environment.self_registration.documents.as_str().into(),
        hosts(&environment.self_registration).into(),
        environment.self_registration.dynamic.into(),
        environment.portal.credentials.as_str().into(),
        environment.portal.permissions.join(" ").into(),
        environment.authentication.mfa_required.into(),
        written(&environment.product_pages).into(),
        environment.default_mails.off().into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns every environment of the company's products, oldest first. Takes no environment, because it is used to find
/// a request's environment.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query) -> Result<Vec<Environment>> {
    Ok(with_staff(query).await?.into_iter().filter(|environment| !environment.is_of_staff()).collect())
}

/// Returns the built-in environment, whose users are the company's own staff; `None` before it exists.
///
/// # Errors
/// Database errors.
pub async fn of_staff(query: &mut impl Query) -> Result<Option<Environment>> {
    Ok(with_staff(query).await?.into_iter().find(Environment::is_of_staff))
}

/// Moves the built-in environment to the API's current address.
///
/// # Errors
/// Database errors.
pub async fn move_staff(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    to: (&Issuer, EnvironmentKind),
    now: Timestamp,
) -> Result<()> {
    let (issuer, kind) = to;
    tx.execute(MOVE, &[environment_id.into(), issuer.as_str().into(), now.into(), kind.as_str().into()]).await?;
    Ok(())
}

/// Returns every environment, including the built-in one.
///
/// # Errors
/// Database errors.
pub async fn with_staff(query: &mut impl Query) -> Result<Vec<Environment>> {
    let mut all: Vec<Environment> = query.query(ALL, &[]).await?.iter().map(read).collect::<Result<_>>()?;
    for (id, brand) in branding::all(query).await? {
        if let Some(environment) = all.iter_mut().find(|environment| environment.id == id) {
            environment.brand = Arc::new(brand);
        }
    }
    Ok(all)
}

/// An environment's mutable settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// Staging or production.
    pub kind: EnvironmentKind,
    /// The issuer named in session tokens; `None` for the default.
    pub session_issuer: Option<String>,
    /// The algorithm of new signing keys.
    pub signing_algorithm: Algorithm,
    /// The lifetime of access tokens, in seconds.
    pub access_token_lifetime: i64,
    /// How long users stay signed in.
    pub sessions: SessionPolicy,
    /// How users sign in, and whether they may sign up.
    pub authentication: Authentication,
    /// Which clients may register themselves.
    pub self_registration: SelfRegistration,
    /// What organizations may do on their own pages.
    pub portal: PortalSettings,
    /// Pages of the company's product that users are sent to.
    pub product_pages: Arc<ProductPages>,
    /// Which emails this server sends on its own.
    pub default_mails: DefaultMails,
}

/// Changes an environment's settings.
///
/// # Errors
/// Database errors.
pub async fn update(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    settings: EnvironmentSettings,
    now: Timestamp,
) -> Result<()> {
    let params = [
        environment_id.into(),
        settings.signing_algorithm.as_str().into(),
        settings.access_token_lifetime.into(),
        settings.kind.as_str().into(),
        now.into(),
        settings.sessions.maximum_length.into(),
        settings.sessions.inactivity_timeout.into(),
        settings.authentication.sign_up.into(),
        settings.authentication.password.into(),
        settings.authentication.magic_auth.into(),
        settings.session_issuer.as_deref().into(),
        settings.self_registration.documents.as_str().into(),
        hosts(&settings.self_registration).into(),
        settings.self_registration.dynamic.into(),
        settings.portal.credentials.as_str().into(),
        settings.portal.permissions.join(" ").into(),
        settings.authentication.mfa_required.into(),
        written(&settings.product_pages).into(),
        settings.default_mails.off().into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}
