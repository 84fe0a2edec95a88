//! The organization's own page: links to it, visits, and the actions of a visitor. Every action here names the
//! organization; objects of another one are not found.

use crate::domain::connect::applications::{self, NewApplication, NewApplicationKind};
use crate::domain::connect::{client_secrets, grants};
use crate::domain::organizations::{self, api_keys, domain_verification};
use crate::domain::{Act, Failure, audit_log};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::audit::administrative::target;
use countersign_protocol::id::{ApiKeyId, ClientSecretId, ConsentId, OrganizationId, UserId};
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{
    ApiKey, ClientSecret, ConnectApplication, Consent, DomainState, Membership, MembershipStatus, OrganizationDomain,
    PORTAL_LINK_LIFETIME, PORTAL_VISIT_LONGEST, PortalIntent, PortalVisit, portal_onward,
};
use countersign_protocol::secret::Secret;
use countersign_store::portal::PortalLink;
use countersign_store::{
    Query, Tx, api_key, application, client_secret, consent, membership, organization, portal, role,
};
use std::collections::HashMap;

/// How often use of a visit is recorded, in seconds.
const NOTED: i64 = 60;
/// How many applications, and how many API keys, an organization may have and still create more on its own.
pub const MAX_OWN: usize = 100;
/// The error code for too many of them.
pub const TOO_MANY: &str = "too_many";
/// How many domains an organization may have and still add more on its own.
pub const MAX_DOMAINS: usize = 50;
/// How many memberships of one user are examined.
const MAX_MEMBERSHIPS: i64 = 100;

/// The properties of a new link. The organization ID is given as received.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The organization whose page it opens.
    pub organization_id: String,
    /// What it gives access to.
    pub intents: Vec<PortalIntent>,
    /// The page that visitors come from.
    pub return_url: Option<String>,
    /// The page that visitors go to when they have finished.
    pub success_url: Option<String>,
}

/// Creates a single-use link that opens an organization's page, and returns its URL.
///
/// # Errors
/// 404 for the organization; 422 for URLs that cannot be linked to.
pub async fn make_link(tx: &mut Tx, act: &Act, new: NewLink) -> Result<String, Failure> {
    let organization = organizations::find(tx, act, &new.organization_id).await?;
    let onward = |field: &str, url: Option<String>| match url {
        None => Ok(None),
        Some(url) => match portal_onward(&url, act.environment_kind, &act.issuer) {
            Some(url) => Ok(Some(url)),
            None => Err(Failure::invalid(field, "invalid", format!("{field} must be an https URL."))),
        },
    };
    let link = PortalLink {
        organization_id: organization.id,
        intents: new.intents,
        return_url: onward("return_url", new.return_url)?,
        success_url: onward("success_url", new.success_url)?,
    };
    let token = URL_SAFE_NO_PAD.encode(act.entropy.bytes::<32>()?);
    let digest = act.keyring.portal_link.digest(&token);
    portal::insert_link(tx, act.environment_id, &digest, &link, act.now.plus_secs(PORTAL_LINK_LIFETIME))
        .await
        .map_err(|error| match error {
            countersign_store::Error::ForeignKey => Failure::not_found("Organization", new.organization_id),
            error => error.into(),
        })?;
    audit_log::record(tx, act, "portal_link.created", target("organization", organization.id), Some(organization.id))
        .await?;
    Ok(format!("{}/portal/open?token={token}", act.issuer))
}

/// The organization whose page an unused, unexpired link opens.
///
/// # Errors
/// Database errors.
pub async fn organization_of_link(
    query: &mut impl Query,
    act: &Act,
    token: &str,
) -> Result<Option<OrganizationId>, Failure> {
    let digest = act.keyring.portal_link.digest(token);
    Ok(portal::organization_of_link(query, act.environment_id, &digest, act.now).await?)
}

/// Uses up a link and begins a visit with this cookie. Returns `false` for an invalid link. Ends the visit that the
/// browser had before.
///
/// # Errors
/// Database errors.
pub async fn open(tx: &mut Tx, act: &Act, token: &str, cookie: &str, before: Option<&str>) -> Result<bool, Failure> {
    let digest = act.keyring.portal_link.digest(token);
    let Some(link) = portal::use_up(tx, act.environment_id, &digest, act.now).await? else { return Ok(false) };
    if let Some(before) = before {
        leave(tx, act, before).await?;
    }
    let PortalLink { organization_id, intents, return_url, success_url } = link;
    let visit =
        PortalVisit { organization_id, intents, return_url, success_url, created_at: act.now, last_seen_at: act.now };
    portal::insert(tx, act.environment_id, &act.keyring.portal_visit.digest(cookie), &visit).await?;
    Ok(true)
}

/// The lifetime of a visit's cookie, in seconds.
pub const COOKIE_LIFETIME: i64 = PORTAL_VISIT_LONGEST;

/// Returns the visit with this cookie, if it is live.
///
/// # Errors
/// Database errors.
pub async fn visit(query: &mut impl Query, act: &Act, cookie: &str) -> Result<Option<PortalVisit>, Failure> {
    let digest = act.keyring.portal_visit.digest(cookie);
    let found = portal::find(query, act.environment_id, &digest).await?;
    Ok(found.filter(|visit| visit.is_live(act.now)))
}

/// Whether use of a visit is due to be recorded again.
pub fn is_to_be_noted(visit: &PortalVisit, act: &Act) -> bool {
    act.now >= visit.last_seen_at.plus_secs(NOTED)
}

/// Records that a visit is in use.
///
/// # Errors
/// Database errors.
pub async fn seen(tx: &mut Tx, act: &Act, cookie: &str) -> Result<(), Failure> {
    Ok(portal::seen(tx, act.environment_id, &act.keyring.portal_visit.digest(cookie), act.now).await?)
}

/// Ends a visit.
///
/// # Errors
/// Database errors.
pub async fn leave(tx: &mut Tx, act: &Act, cookie: &str) -> Result<bool, Failure> {
    Ok(portal::end(tx, act.environment_id, &act.keyring.portal_visit.digest(cookie)).await?)
}

/// What the roles of memberships give access to; each role is looked up once.
#[derive(Debug, Default)]
struct Opened(HashMap<String, Vec<PortalIntent>>);

impl Opened {
    async fn by(
        &mut self,
        query: &mut impl Query,
        act: &Act,
        membership: &Membership,
    ) -> Result<Vec<PortalIntent>, Failure> {
        let mut all = Vec::new();
        for slug in &membership.roles {
            if !self.0.contains_key(slug) {
                let permissions = role::find(query, act.environment_id, slug).await?.map(|role| role.permissions);
                let permissions = permissions.unwrap_or_default();
                self.0.insert(slug.clone(), PortalIntent::opened_by(permissions.iter().map(String::as_str)));
            }
            all.extend(self.0.get(slug).into_iter().flatten().copied());
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// What a user may access now as a member of the organization: nothing for someone who is not an active member.
///
/// # Errors
/// Database errors.
pub async fn of_member(
    query: &mut impl Query,
    act: &Act,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<Vec<PortalIntent>, Failure> {
    let found = membership::find_of_user(query, act.environment_id, user_id, organization_id).await?;
    match found.filter(|found| found.status == MembershipStatus::Active) {
        Some(membership) => Opened::default().by(query, act, &membership).await,
        None => Ok(Vec::new()),
    }
}

/// The organizations of a user in which the user has any portal access now.
///
/// # Errors
/// Database errors.
pub async fn organizations_of(
    query: &mut impl Query,
    act: &Act,
    user_id: UserId,
) -> Result<Vec<(Membership, Vec<PortalIntent>)>, Failure> {
    let memberships = membership::active_of_user(query, act.environment_id, user_id, MAX_MEMBERSHIPS, None).await?;
    let (mut opened, mut open) = (Opened::default(), Vec::new());
    for membership in memberships {
        let intents = opened.by(query, act, &membership).await?;
        if !intents.is_empty() {
            open.push((membership, intents));
        }
    }
    Ok(open)
}

/// Looks up the application with this identifier, if it belongs to the organization.
///
/// # Errors
/// 404.
pub async fn find_application(
    query: &mut impl Query,
    act: &Act,
    organization_id: OrganizationId,
    id: &str,
) -> Result<ConnectApplication, Failure> {
    let found = applications::find(query, act, id).await?;
    if found.organization_id() == Some(organization_id) {
        Ok(found)
    } else {
        Err(Failure::not_found("Application", id))
    }
}

/// Creates an application that acts for the organization, and its first secret.
///
/// # Errors
/// 422 for unknown scopes; 400 when there are too many already.
pub async fn create_machine(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    name: String,
    scopes: Vec<String>,
) -> Result<(ConnectApplication, Secret), Failure> {
    // Counted under the organization's lock, so that concurrent requests cannot exceed the limit together.
    organization::lock(tx, act.environment_id, organization_id).await?;
    let filter = application::Filter { organization_id: Some(organization_id), authenticated: true, dynamic: false };
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX_OWN };
    if application::list(tx, act.environment_id, filter, &slice).await?.len() >= MAX_OWN {
        return Err(too_many());
    }
    let kind = NewApplicationKind::Machine { organization_id: organization_id.to_string() };
    let new = NewApplication { name, description: None, scopes, kind, client_id: None };
    let made = applications::create(tx, act, new).await?;
    let (_, value) = client_secrets::create(tx, act, &made.id.to_string()).await?;
    Ok((made, value))
}

fn too_many() -> Failure {
    Failure::bad_request(TOO_MANY, "There are too many of the organization's own already.")
}

/// Whether an application has only scopes that the company offers to organization administrators: a secret of any other
/// would give them more.
pub fn is_offered(offered: &[String], application: &ConnectApplication) -> bool {
    application.scopes.iter().all(|scope| offered.contains(scope))
}

/// Creates another secret for an application of the organization that has only offered scopes.
///
/// # Errors
/// 404, also for an application with other scopes; 422 when it has too many already.
pub async fn create_secret(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    application_id: &str,
    offered: &[String],
) -> Result<(ConnectApplication, Secret), Failure> {
    let found = find_application(tx, act, organization_id, application_id).await?;
    if !is_offered(offered, &found) {
        return Err(Failure::not_found("Application", application_id));
    }
    let (_, value) = client_secrets::create(tx, act, &found.id.to_string()).await?;
    Ok((found, value))
}

/// Deletes a secret of an application of the organization: it stops working at once, and its tokens are inactive.
///
/// # Errors
/// 404.
pub async fn end_secret(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    application_id: &str,
    secret_id: &str,
) -> Result<(ConnectApplication, ClientSecret), Failure> {
    let found = find_application(tx, act, organization_id, application_id).await?;
    let missing = || Failure::not_found("Client secret", secret_id);
    let id = ClientSecretId::parse(secret_id).map_err(|_| missing())?;
    let secrets = client_secret::list(tx, act.environment_id, found.id).await?;
    let secret = secrets.into_iter().find(|secret| secret.id == id).ok_or_else(missing)?;
    client_secrets::delete(tx, act, secret_id).await?;
    Ok((found, secret))
}

/// Creates an API key of the organization.
///
/// # Errors
/// 422 for unknown permissions; 400 when there are too many already.
pub async fn create_key(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    name: String,
    permissions: Vec<String>,
) -> Result<Secret, Failure> {
    organization::lock(tx, act.environment_id, organization_id).await?;
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX_OWN };
    if api_key::list(tx, act.environment_id, organization_id, &slice).await?.len() >= MAX_OWN {
        return Err(too_many());
    }
    let new = api_keys::NewApiKey { name, permissions, expires_at: None };
    Ok(api_keys::create(tx, act, &organization_id.to_string(), new).await?.1)
}

/// Deletes an API key of the organization.
///
/// # Errors
/// 404.
pub async fn end_key(tx: &mut Tx, act: &Act, organization_id: OrganizationId, id: &str) -> Result<ApiKey, Failure> {
    let missing = || Failure::not_found("API Key", id);
    let parsed = ApiKeyId::parse(id).map_err(|_| missing())?;
    let found = api_key::find(tx, act.environment_id, parsed).await?;
    let found = found.filter(|key| key.owner.organization_id() == organization_id).ok_or_else(missing)?;
    api_keys::delete(tx, act, id).await?;
    Ok(found)
}

/// Revokes a member's consent to an application for the organization.
///
/// # Errors
/// 404.
pub async fn disconnect(tx: &mut Tx, act: &Act, organization_id: OrganizationId, id: &str) -> Result<Consent, Failure> {
    let missing = || Failure::not_found("Authorized application", id);
    let parsed = ConsentId::parse(id).map_err(|_| missing())?;
    let found = consent::find(tx, act.environment_id, parsed).await?;
    let found = found.filter(|consent| consent.organization_id == Some(organization_id)).ok_or_else(missing)?;
    grants::take_back(tx, act, found.id).await?;
    Ok(found)
}

/// Adds a domain to the organization, to be verified.
///
/// # Errors
/// 409 when it exists already; 400 when there are too many.
pub async fn add_domain(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    domain: String,
) -> Result<OrganizationDomain, Failure> {
    organization::lock(tx, act.environment_id, organization_id).await?;
    if organization::domains(tx, act.environment_id, organization_id).await?.len() >= MAX_DOMAINS {
        return Err(too_many());
    }
    organizations::add_domain(tx, act, &organization_id.to_string(), domain).await
}

/// Restarts the verification of a domain of the organization.
///
/// # Errors
/// 404; 400 when it is verified.
pub async fn restart_domain(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    id: &str,
) -> Result<OrganizationDomain, Failure> {
    let found = organizations::find_domain(tx, act, id).await?;
    if found.organization_id != organization_id {
        return Err(Failure::not_found("Organization domain", id));
    }
    domain_verification::restart(tx, act, id).await
}

/// Deletes an unverified domain of the organization.
///
/// # Errors
/// 404, also for a verified domain: only the company may delete that.
pub async fn delete_domain(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    id: &str,
) -> Result<OrganizationDomain, Failure> {
    organizations::lock_domain(tx, act, id).await?;
    let found = organizations::find_domain(tx, act, id).await?;
    if found.organization_id != organization_id || found.state == DomainState::Verified {
        return Err(Failure::not_found("Organization domain", id));
    }
    organizations::delete_domain(tx, act, id).await?;
    Ok(found)
}
