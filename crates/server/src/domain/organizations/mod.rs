//! Organizations and their domains.

pub mod api_keys;
pub mod domain_verification;
pub mod invitations;
pub mod memberships;
pub mod permissions;
pub mod portal;
pub mod roles;

use crate::domain::connect::grants;
use crate::domain::{Act, Failure, events};
use crate::entropy::Entropy;
use countersign_protocol::id::{OrganizationDomainId, OrganizationId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::MAX_METADATA;
use countersign_protocol::management::views::{organization_domain_view, organization_view};
use countersign_protocol::model::{DomainState, Organization, OrganizationDomain, VerificationStrategy};
use countersign_store::change::{self, Topic};
use countersign_store::{Error, Query, Tx, organization};
use std::collections::BTreeMap;

/// The properties of a new organization.
#[derive(Debug, Clone, Default)]
pub struct NewOrganization {
    /// Its name.
    pub name: String,
    /// The company's own identifier for it.
    pub external_id: Option<String>,
    /// Text values by key.
    pub metadata: BTreeMap<String, String>,
    /// A deprecated setting.
    pub allow_profiles_outside_organization: bool,
    /// The domains that it claims.
    pub domains: Vec<(String, DomainState)>,
}

fn taken(error: Error) -> Failure {
    let taken = |code, what: &str| {
        Failure::Refused(ApiError::BadRequest {
            code,
            message: format!("The {what} is already used by another organization."),
        })
    };
    if error.is_unique("organization", "external_id") {
        taken("external_id_already_used", "external_id")
    } else if error.is_unique("organization", "stripe_customer_id") {
        taken("stripe_customer_id_already_used", "stripe_customer_id")
    } else {
        error.into()
    }
}

/// Creates an organization with its domains.
///
/// # Errors
/// 400 `external_id_already_used`; 409 for a domain that another organization has verified.
pub async fn create(tx: &mut Tx, act: &Act, new: NewOrganization) -> Result<Organization, Failure> {
    let mut made = Organization {
        id: act.entropy.id(act.now)?,
        name: new.name,
        external_id: new.external_id,
        metadata: new.metadata,
        stripe_customer_id: None,
        allow_profiles_outside_organization: new.allow_profiles_outside_organization,
        domains: Vec::new(),
        created_at: act.now,
        updated_at: act.now,
    };
    organization::insert(tx, act.environment_id, &made).await.map_err(taken)?;
    for (domain, state) in new.domains {
        made.domains.push(insert_domain(tx, act, made.id, domain, state).await?);
    }
    events::record(tx, act, "organization.created", Some(made.id), &organization_view(&made)).await?;
    for domain in &made.domains {
        events::record(tx, act, "organization_domain.created", Some(made.id), &organization_domain_view(domain))
            .await?;
    }
    Ok(made)
}

/// Looks up the organization with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<Organization, Failure> {
    let missing = || Failure::not_found("Organization", id);
    let parsed = OrganizationId::parse(id).map_err(|_| missing())?;
    organization::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// The same, locked against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<Organization, Failure> {
    if let Ok(parsed) = OrganizationId::parse(id) {
        organization::lock(tx, act.environment_id, parsed).await?;
    }
    find(tx, act, id).await
}

/// Merges a patch into metadata: null removes an entry.
///
/// # Errors
/// 400 `invalid_metadata` when there would be too many entries.
pub fn merge_metadata(
    metadata: &mut BTreeMap<String, String>,
    patch: BTreeMap<String, Option<String>>,
) -> Result<(), Failure> {
    // An empty object clears all entries, as null does.
    if patch.is_empty() {
        metadata.clear();
    }
    for (key, value) in patch {
        match value {
            Some(value) => metadata.insert(key, value),
            None => metadata.remove(&key),
        };
    }
    if metadata.len() > MAX_METADATA {
        return Err(Failure::Refused(ApiError::BadRequest {
            code: "invalid_metadata",
            message: format!("Metadata can have at most {MAX_METADATA} entries."),
        }));
    }
    Ok(())
}

/// Stores a changed organization; `domains` replaces all of its domains.
///
/// # Errors
/// As [`create`].
pub async fn update(
    tx: &mut Tx,
    act: &Act,
    mut changed: Organization,
    domains: Option<Vec<(String, DomainState)>>,
) -> Result<Organization, Failure> {
    changed.updated_at = act.now;
    organization::update(tx, act.environment_id, &changed).await.map_err(taken)?;
    if let Some(wanted) = domains {
        replace_domains(tx, act, &mut changed, wanted).await?;
    }
    events::record(tx, act, "organization.updated", Some(changed.id), &organization_view(&changed)).await?;
    Ok(changed)
}

async fn replace_domains(
    tx: &mut Tx,
    act: &Act,
    organization: &mut Organization,
    wanted: Vec<(String, DomainState)>,
) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for domain in std::mem::take(&mut organization.domains) {
        if wanted.iter().any(|(name, _)| *name == domain.domain) {
            kept.push(domain);
        } else {
            organization::delete_domain(tx, act.environment_id, domain.id).await?;
            events::record(
                tx,
                act,
                "organization_domain.deleted",
                Some(organization.id),
                &organization_domain_view(&domain),
            )
            .await?;
        }
    }
    for (name, state) in wanted {
        match kept.iter_mut().find(|domain| domain.domain == name) {
            // A verified domain stays verified when it is listed as pending.
            Some(domain) if state == DomainState::Verified && domain.state != DomainState::Verified => {
                verify_manually(tx, act, domain).await?;
            }
            Some(_) => {}
            None => {
                let domain = insert_domain(tx, act, organization.id, name, state).await?;
                events::record(
                    tx,
                    act,
                    "organization_domain.created",
                    Some(organization.id),
                    &organization_domain_view(&domain),
                )
                .await?;
                kept.push(domain);
            }
        }
    }
    organization.domains = kept;
    Ok(())
}

async fn verify_manually(tx: &mut Tx, act: &Act, domain: &mut OrganizationDomain) -> Result<(), Failure> {
    domain.state = DomainState::Verified;
    domain.verification_strategy = VerificationStrategy::Manual;
    domain.updated_at = act.now;
    let (state, strategy) = (domain.state, domain.verification_strategy);
    let stored = organization::set_domain_state(tx, act.environment_id, domain.id, state, strategy, act.now).await;
    // The domain was deleted since it was read: nothing was verified.
    if !stored.map_err(|error| domain_taken(error, &domain.domain))? {
        return Err(Error::ForeignKey.into());
    }
    events::record(
        tx,
        act,
        "organization_domain.verified",
        Some(domain.organization_id),
        &organization_domain_view(domain),
    )
    .await
}

fn domain_taken(error: Error, domain: &str) -> Failure {
    match error {
        Error::Unique { .. } => Failure::conflict(
            "domain_already_exists",
            format!("The domain {domain} already belongs to an organization."),
        ),
        other => other.into(),
    }
}

fn verification_token(entropy: &Entropy) -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random = entropy.bytes::<25>()?;
    Ok(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

async fn insert_domain(
    tx: &mut Tx,
    act: &Act,
    organization_id: OrganizationId,
    domain: String,
    state: DomainState,
) -> Result<OrganizationDomain, Failure> {
    // A domain that another organization has verified cannot be claimed, whatever the state of the claim.
    if organization::owner_of_domain(tx, act.environment_id, &domain)
        .await?
        .is_some_and(|owner| owner != organization_id)
    {
        return Err(domain_taken(Error::Unique { constraint: String::new() }, &domain));
    }
    let made = OrganizationDomain {
        id: act.entropy.id(act.now)?,
        organization_id,
        domain,
        state,
        verification_strategy: if state == DomainState::Verified {
            VerificationStrategy::Manual
        } else {
            VerificationStrategy::Dns
        },
        verification_token: verification_token(&act.entropy)?,
        created_at: act.now,
        updated_at: act.now,
    };
    organization::insert_domain(tx, act.environment_id, &made)
        .await
        .map_err(|error| domain_taken(error, &made.domain))?;
    Ok(made)
}

/// Adds a pending domain to an organization.
///
/// # Errors
/// 404 for the organization, 409 `domain_already_exists`.
pub async fn add_domain(
    tx: &mut Tx,
    act: &Act,
    organization_id: &str,
    domain: String,
) -> Result<OrganizationDomain, Failure> {
    let organization = find_and_lock(tx, act, organization_id).await?;
    let made = insert_domain(tx, act, organization.id, domain, DomainState::Pending).await?;
    events::record(tx, act, "organization_domain.created", Some(organization.id), &organization_domain_view(&made))
        .await?;
    Ok(made)
}

/// Looks up the domain with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find_domain(query: &mut impl Query, act: &Act, id: &str) -> Result<OrganizationDomain, Failure> {
    let missing = || Failure::not_found("Organization domain", id);
    let parsed = OrganizationDomainId::parse(id).map_err(|_| missing())?;
    organization::find_domain(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Locks a domain against other changes until this transaction ends: what is read from here on stays valid.
///
/// # Errors
/// Database errors.
pub async fn lock_domain(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    if let Ok(parsed) = OrganizationDomainId::parse(id) {
        organization::lock_domain(tx, act.environment_id, parsed).await?;
    }
    Ok(())
}

/// Deletes a domain.
///
/// # Errors
/// 404.
pub async fn delete_domain(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let gone = find_domain(tx, act, id).await?;
    if !organization::delete_domain(tx, act.environment_id, gone.id).await? {
        return Err(Failure::not_found("Organization domain", id));
    }
    events::record(tx, act, "organization_domain.deleted", Some(gone.organization_id), &organization_domain_view(&gone))
        .await
}

/// Deletes an organization with its applications, credentials, API keys and domains, and ends the sessions in it.
/// Events about it stay in the audit log.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let gone = find_and_lock(tx, act, id).await?;
    grants::organization_ended(tx, act, gone.id).await?;
    organization::delete(tx, act.environment_id, gone.id).await?;
    events::record(tx, act, "organization.deleted", Some(gone.id), &organization_view(&gone)).await?;
    change::record(tx, act.environment_id, &Topic::Clients, act.now);
    Ok(())
}
