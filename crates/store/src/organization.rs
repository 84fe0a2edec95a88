//! Organizations and their domains.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationDomainId, OrganizationId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{DomainState, Organization, OrganizationDomain, VerificationStrategy};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO organization (environment_id, id, name, external_id, metadata, stripe_customer_id, ",
        "allow_profiles_outside_organization, created_at, updated_at, search_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)";
    UPDATE = "UPDATE organization SET name = $3, external_id = $4, metadata = $5, stripe_customer_id = $6, ",
        "allow_profiles_outside_organization = $7, updated_at = $8, search_name = $9 WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM organization WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE organization SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    FIND = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND id = $2";
    FIND_BY_EXTERNAL_ID = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND external_id = $2";
    LIST_DESCENDING = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    SEARCH_DESCENDING = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND id < $2 AND search_name LIKE $4 ESCAPE '\\' ORDER BY id DESC LIMIT $3";
    SEARCH_ASCENDING = "SELECT id, name, external_id, metadata, stripe_customer_id, allow_profiles_outside_organization, created_at, updated_at ",
        "FROM organization WHERE environment_id = $1 AND id > $2 AND search_name LIKE $4 ESCAPE '\\' ORDER BY id ASC LIMIT $3";
    IDS_OF_DOMAIN = "SELECT organization_id FROM organization_domain WHERE environment_id = $1 AND domain = $2 ORDER BY organization_id LIMIT 200";
    OWNER_OF_DOMAIN = "SELECT organization_id FROM organization_domain WHERE environment_id = $1 AND domain = $2 AND state = 'verified'";
    INSERT_DOMAIN = "INSERT INTO organization_domain (environment_id, id, organization_id, domain, state, verification_strategy, ",
        "verification_token, created_at, updated_at, checked_since, check_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $9)";
    DOMAINS = "SELECT id, organization_id, domain, state, verification_strategy, verification_token, created_at, updated_at ",
        "FROM organization_domain WHERE environment_id = $1 AND organization_id = $2 ORDER BY id";
    FIND_DOMAIN = "SELECT id, organization_id, domain, state, verification_strategy, verification_token, created_at, updated_at ",
        "FROM organization_domain WHERE environment_id = $1 AND id = $2";
    SET_DOMAIN_STATE = "UPDATE organization_domain SET state = $3, verification_strategy = $4, updated_at = $5, ",
        "checked_since = $6, check_at = $6 WHERE environment_id = $1 AND id = $2";
    LOCK_DOMAIN = "UPDATE organization_domain SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    DELETE_DOMAIN = "DELETE FROM organization_domain WHERE environment_id = $1 AND id = $2";
}

fn read(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: row.parse(0)?,
        name: row.text(1)?.to_owned(),
        external_id: row.opt_text(2)?.map(str::to_owned),
        metadata: row.json(3)?,
        stripe_customer_id: row.opt_text(4)?.map(str::to_owned),
        allow_profiles_outside_organization: row.truth(5)?,
        domains: Vec::new(),
        created_at: row.timestamp(6)?,
        updated_at: row.timestamp(7)?,
    })
}

pub(crate) fn read_domain(row: &Row) -> Result<OrganizationDomain> {
    Ok(OrganizationDomain {
        id: row.parse(0)?,
        organization_id: row.parse(1)?,
        domain: row.text(2)?.to_owned(),
        state: row.word(3, DomainState::parse)?,
        verification_strategy: row.word(4, VerificationStrategy::parse)?,
        verification_token: row.text(5)?.to_owned(),
        created_at: row.timestamp(6)?,
        updated_at: row.timestamp(7)?,
    })
}

fn metadata(organization: &Organization) -> String {
    serde_json::to_string(&organization.metadata).unwrap_or_else(|_| "{}".to_owned())
}

/// Inserts an organization, without its domains.
///
/// # Errors
/// `Unique` if the external ID or the Stripe customer ID is taken.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, organization: &Organization) -> Result<()> {
    let params = [
        environment_id.into(),
        organization.id.into(),
        (&organization.name).into(),
        organization.external_id.as_ref().into(),
        metadata(organization).into(),
        organization.stripe_customer_id.as_ref().into(),
        organization.allow_profiles_outside_organization.into(),
        organization.created_at.into(),
        organization.name.to_lowercase().into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Stores an organization's mutable fields, except its domains.
///
/// # Errors
/// `Unique` if the external ID or the Stripe customer ID is taken.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, organization: &Organization) -> Result<()> {
    let params = [
        environment_id.into(),
        organization.id.into(),
        (&organization.name).into(),
        organization.external_id.as_ref().into(),
        metadata(organization).into(),
        organization.stripe_customer_id.as_ref().into(),
        organization.allow_profiles_outside_organization.into(),
        organization.updated_at.into(),
        organization.name.to_lowercase().into(),
    ];
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Deletes an organization with everything that belongs to it; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: OrganizationId) -> Result<bool> {
    Ok(tx.execute_at_length(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Locks an organization until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, id: OrganizationId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), id.into()]).await? == 1)
}

async fn with_domains(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    rows: &[Row],
) -> Result<Vec<Organization>> {
    let mut organizations = Vec::with_capacity(rows.len());
    for row in rows {
        let mut organization = read(row)?;
        organization.domains = domains(query, environment_id, organization.id).await?;
        organizations.push(organization);
    }
    Ok(organizations)
}

/// Returns the organization with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Option<Organization>> {
    let rows = query.query(FIND, &[environment_id.into(), id.into()]).await?;
    Ok(with_domains(query, environment_id, &rows).await?.pop())
}

/// Returns the organization with this external ID.
///
/// # Errors
/// Database errors.
pub async fn find_by_external_id(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<Organization>> {
    let rows = query.query(FIND_BY_EXTERNAL_ID, &[environment_id.into(), external_id.into()]).await?;
    Ok(with_domains(query, environment_id, &rows).await?.pop())
}

/// Lists a slice of the organizations; with a search text, only those whose name contains it, ignoring case.
///
/// # Errors
/// Database errors.
pub async fn list(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    slice: &Slice<OrganizationId>,
    search: Option<&str>,
) -> Result<Vec<Organization>> {
    let rows = match search {
        None => {
            let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
            reader.query(sql, &[environment_id.into(), bound, limit]).await?
        }
        Some(text) => {
            let (sql, bound, limit) = Paged { descending: SEARCH_DESCENDING, ascending: SEARCH_ASCENDING }.pick(slice);
            reader.scan(sql, vec![environment_id.into(), bound, limit, contains(text).into()]).await?
        }
    };
    with_domains(reader, environment_id, &rows).await
}

/// A `LIKE` pattern that matches lowercase texts containing this one, ignoring its case.
pub(crate) fn contains(text: &str) -> String {
    containing(&text.to_lowercase())
}

/// A `LIKE` pattern that matches texts containing this one literally.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Returns the organizations that claim any of these domains, ordered by ID.
///
/// # Errors
/// Database errors.
pub async fn claiming(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    domains: &[String],
) -> Result<Vec<Organization>> {
    let mut ids: Vec<OrganizationId> = Vec::new();
    for domain in domains {
        for row in query.query(IDS_OF_DOMAIN, &[environment_id.into(), domain.into()]).await? {
            ids.push(row.parse(0)?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let mut organizations = Vec::with_capacity(ids.len());
    for id in ids {
        organizations.extend(find(query, environment_id, id).await?);
    }
    Ok(organizations)
}

/// Returns the organization that has verified a domain.
///
/// # Errors
/// Database errors.
pub async fn owner_of_domain(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    domain: &str,
) -> Result<Option<OrganizationId>> {
    query.query_opt(OWNER_OF_DOMAIN, &[environment_id.into(), domain.into()]).await?.map(|row| row.parse(0)).transpose()
}

/// Inserts a domain.
///
/// # Errors
/// `Unique` if the organization already has it, or another organization has verified it.
pub async fn insert_domain(tx: &mut Tx, environment_id: EnvironmentId, domain: &OrganizationDomain) -> Result<()> {
    let params = [
        environment_id.into(),
        domain.id.into(),
        domain.organization_id.into(),
        (&domain.domain).into(),
        domain.state.as_str().into(),
        domain.verification_strategy.as_str().into(),
        (&domain.verification_token).into(),
        domain.created_at.into(),
        awaits_proof(domain.state, domain.verification_strategy).then_some(domain.created_at).into(),
    ];
    tx.execute(INSERT_DOMAIN, &params).await?;
    Ok(())
}

/// Returns an organization's domains, oldest first.
///
/// # Errors
/// Database errors.
pub async fn domains(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Vec<OrganizationDomain>> {
    query.query(DOMAINS, &[environment_id.into(), id.into()]).await?.iter().map(read_domain).collect()
}

/// Returns the domain with this ID.
///
/// # Errors
/// Database errors.
pub async fn find_domain(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: OrganizationDomainId,
) -> Result<Option<OrganizationDomain>> {
    query.query_opt(FIND_DOMAIN, &[environment_id.into(), id.into()]).await?.as_ref().map(read_domain).transpose()
}

fn awaits_proof(state: DomainState, strategy: VerificationStrategy) -> bool {
    state == DomainState::Pending && strategy == VerificationStrategy::Dns
}

/// Stores a domain's verification state; `false` if there is no such domain. If it is now pending by DNS, checks for
/// its record start now.
///
/// # Errors
/// `Unique` if another organization has verified it.
pub async fn set_domain_state(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: OrganizationDomainId,
    state: DomainState,
    strategy: VerificationStrategy,
    now: Timestamp,
) -> Result<bool> {
    let params = [
        environment_id.into(),
        id.into(),
        state.as_str().into(),
        strategy.as_str().into(),
        now.into(),
        awaits_proof(state, strategy).then_some(now).into(),
    ];
    Ok(tx.execute(SET_DOMAIN_STATE, &params).await? == 1)
}

/// Locks a domain until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock_domain(tx: &mut Tx, environment_id: EnvironmentId, id: OrganizationDomainId) -> Result<bool> {
    Ok(tx.execute(LOCK_DOMAIN, &[environment_id.into(), id.into()]).await? == 1)
}

/// Deletes a domain; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete_domain(tx: &mut Tx, environment_id: EnvironmentId, id: OrganizationDomainId) -> Result<bool> {
    Ok(tx.execute(DELETE_DOMAIN, &[environment_id.into(), id.into()]).await? == 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_search_text_is_taken_literally() {
        assert_eq!(super::contains("50%_Off\\"), "%50\\%\\_off\\\\%");
    }
}
